//! The key that signs packs, and the one that proves them.

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::spki::der::zeroize::Zeroizing;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes,
};

use super::{Error, SigningKey, VerifyingKey, sha256};

/// A new pair of keys as files. Has no `Debug`, so that it cannot end up in a log.
pub struct Pair {
    /// PKCS#8 PEM, wiped from memory afterwards. For the portal alone.
    pub private: Zeroizing<String>,
    /// SPKI PEM. For everybody who checks packs.
    pub public: String,
}

/// Makes a new pair from the system's random numbers.
///
/// # Errors
/// Never in practice: a fresh key can be written as PEM.
pub fn generate() -> Result<Pair, Error> {
    let secret = Zeroizing::new(rand::random::<[u8; 32]>());
    let key = SigningKey::from_bytes(&secret);
    // Without the public half: OpenSSL 3.0 does not read the newer form that holds both.
    let bytes = KeypairBytes { secret_key: *secret, public_key: None };
    let private = bytes.to_pkcs8_pem(LineEnding::LF).map_err(|e| Error::Broken(e.to_string()))?;
    Ok(Pair { private, public: public_pem(&key.verifying_key())? })
}

/// Reads a private key from PKCS#8 PEM, as `openssl genpkey -algorithm ed25519` writes it.
///
/// # Errors
/// [`Error::Key`] when it is another kind of key, or none.
pub fn signing_key(pem: &str) -> Result<SigningKey, Error> {
    const HOW: &str = "Make one with: openssl genpkey -algorithm ed25519";
    let told = |text: String| Error::Key(format!("{text}. {HOW}"));
    match label(pem) {
        Some("PRIVATE KEY") => SigningKey::from_pkcs8_pem(pem.trim()).map_err(|_| {
            told("this private key is not an Ed25519 key, or it is damaged".to_owned())
        }),
        Some("ENCRYPTED PRIVATE KEY") => Err(told(
            "this private key is locked with a passphrase, which cannot be asked for here"
                .to_owned(),
        )),
        Some("PUBLIC KEY") => {
            Err(told("this is a public key; signing needs the private one".to_owned()))
        }
        Some(other) => {
            Err(told(format!("this is a {other:?}, not an Ed25519 private key in PKCS#8")))
        }
        None => Err(told("this is not a PEM file".to_owned())),
    }
}

/// Reads a public key from SPKI PEM, as `openssl pkey -pubout` writes it.
///
/// # Errors
/// [`Error::Key`] when it is another kind of key, or none.
pub fn verifying_key(pem: &str) -> Result<VerifyingKey, Error> {
    let told = |text: String| Error::Key(text);
    match label(pem) {
        Some("PUBLIC KEY") => VerifyingKey::from_public_key_pem(pem.trim())
            .ok()
            .filter(|key| !key.is_weak())
            .ok_or_else(|| told("this public key is not an Ed25519 key, or it is damaged".to_owned())),
        Some(other) if other.ends_with("PRIVATE KEY") => Err(told(
            "this is a private key; checking needs the public one, and the private one should not leave the portal"
                .to_owned(),
        )),
        Some(other) => Err(told(format!("this is a {other:?}, not an Ed25519 public key (openssl pkey -pubout)"))),
        None => Err(told("this is not a PEM file".to_owned())),
    }
}

/// What can be read out over the telephone: SHA-256 of the public key as DER, in hex.
#[must_use]
pub fn fingerprint(key: &VerifyingKey) -> String {
    key.to_public_key_der().map(|der| sha256(der.as_bytes())).unwrap_or_default()
}

pub(super) fn public_pem(key: &VerifyingKey) -> Result<String, Error> {
    key.to_public_key_pem(LineEnding::LF).map_err(|e| Error::Broken(e.to_string()))
}

fn label(pem: &str) -> Option<&str> {
    pem.trim().strip_prefix("-----BEGIN ")?.split_once("-----").map(|(label, _)| label)
}
