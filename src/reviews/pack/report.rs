//! What was found, in words for an auditor.

use std::fmt;

use super::shown;

/// One thing that is not as it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file it is about; "the archive" where it is about no single one.
    pub file: String,
    /// What is wrong with it.
    pub text: String,
}

impl Finding {
    pub(super) fn new(file: &str, text: impl Into<String>) -> Self {
        Self { file: shown(file), text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.text)
    }
}

/// Who made the pack, as far as that can be told. Fingerprints as [`super::fingerprint`] gives them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Signer {
    /// The signature holds for the key that was given.
    Proven(String),
    /// No key was given. The signature holds for the key in the pack, which anybody could have put there.
    Unproven(String),
    /// There is a signature and it does not hold; the findings say why.
    Wrong,
    /// There is no signature.
    Unsigned,
    /// There is no manifest that one could sign.
    #[default]
    Unknown,
}

/// What [`super::verify`] found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// From the manifest; empty if that cannot be read. Foreign text: escape it.
    pub title: String,
    /// From the manifest.
    pub made_at: String,
    /// From the manifest.
    pub software: String,
    /// Who made it.
    pub signer: Signer,
    /// The tables' files and the rows counted in them.
    pub tables: Vec<(String, usize)>,
    /// All that is wrong.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing is wrong. The signer may still be unproven.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.findings.is_empty()
    }
}

/// The lines that the command prints.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, text) in
            [("Title", &self.title), ("Made at", &self.made_at), ("Made by", &self.software)]
        {
            if !text.is_empty() {
                writeln!(f, "{name}: {}", shown(text))?;
            }
        }
        for (file, rows) in &self.tables {
            writeln!(f, "{}: {rows} row{}", shown(file), plural(*rows))?;
        }
        match &self.signer {
            Signer::Proven(print) => {
                writeln!(
                    f,
                    "Signer: proven, the signature holds for the public key that was given ({print})."
                )?;
            }
            Signer::Unproven(print) => {
                writeln!(f, "Signer: the signer is unproven: no public key was given.")?;
                writeln!(
                    f,
                    "The signature holds for the key in the pack, fingerprint {print}: compare it."
                )?;
            }
            Signer::Wrong => writeln!(f, "Signer: the signature does not hold.")?,
            Signer::Unknown => writeln!(f, "Signer: it cannot be told.")?,
            Signer::Unsigned => {
                writeln!(f, "Signer: the pack is unsigned, so nothing shows who made it.")?
            }
        }
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        match (self.findings.len(), &self.signer) {
            (0, Signer::Proven(_)) => writeln!(f, "The pack is complete and unchanged."),
            (0, _) => {
                writeln!(f, "The pack is complete and agrees with itself; who made it is unproven.")
            }
            (n, _) => writeln!(f, "The pack is not as it was made: {n} finding{}.", plural(n)),
        }
    }
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}
