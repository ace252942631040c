//! CSV as RFC 4180 writes it, in UTF-8. What a spreadsheet would run as a formula is made text (E30).

use std::io::Write;

use crate::error::{Error, Result};

/// Rows on their way out.
pub struct CsvOut<W: Write>(csv::Writer<W>);

impl<W: Write> CsvOut<W> {
    /// Starts a file.
    pub fn new(out: W) -> Self {
        let mut builder = csv::WriterBuilder::new();
        Self(builder.flexible(true).terminator(csv::Terminator::CRLF).from_writer(out))
    }

    /// Writes one row.
    ///
    /// # Errors
    /// When the reader has gone.
    pub fn row<T: AsRef<str>>(&mut self, fields: &[T]) -> Result<()> {
        let fields = fields.iter().map(|field| neutral(field.as_ref()));
        self.0.write_record(fields.map(String::into_bytes)).map_err(|e| Error::Broken(e.into()))
    }

    /// Sends on what is held back.
    ///
    /// # Errors
    /// When the reader has gone.
    pub fn flush(&mut self) -> Result<()> {
        self.0.flush().map_err(|e| Error::Broken(e.into()))
    }
}

/// All rows as one text.
///
/// # Errors
/// Never in practice: it is written to memory.
pub fn whole(rows: &[Vec<String>]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut out = CsvOut::new(&mut bytes);
    for row in rows {
        out.row(row)?;
    }
    out.flush()?;
    drop(out);
    Ok(bytes)
}

/// The field with a leading apostrophe where a spreadsheet would see a formula.
#[must_use]
pub fn neutral(field: &str) -> String {
    if field.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']) {
        format!("'{field}")
    } else {
        field.to_owned()
    }
}

/// A name that every system takes: letters, digits, `.`, `-`, `_`.
#[must_use]
pub fn file_name(name: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    name.chars().map(|c| if safe(c) { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text() {
        for hostile in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\0=x"] {
            assert_eq!(neutral(hostile), format!("'{hostile}"));
        }
        for plain in ["Ann", "", "1-2", "a=b", "'=1"] {
            assert_eq!(neutral(plain), plain);
        }
    }

    #[test]
    fn rows_are_quoted_as_rfc_4180_says() {
        let rows = [vec!["a,b".to_owned(), "say \"x\"".into()], vec!["two\nlines".into()]];
        assert_eq!(
            String::from_utf8(whole(&rows).unwrap()).unwrap(),
            "\"a,b\",\"say \"\"x\"\"\"\r\n\"two\nlines\"\r\n"
        );
    }

    #[test]
    fn a_file_name_cannot_leave_its_header() {
        assert_eq!(file_name("a\"; b\r\n/c.csv"), "a---b---c.csv");
    }
}
