//! What goes wrong around the portal and at its forms: it says so in words, stores nothing wrong, and goes on by itself.
