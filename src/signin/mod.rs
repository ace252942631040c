//! Signing in: who somebody is, said by the organization's own provider.

pub mod oidc;
