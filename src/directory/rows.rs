//! The rows of a CSV file, one at a time, with exact line numbers and bounded memory.
//!
//! The `csv` crate takes a row apart; where a row ends is found here, because a quote that is
//! never closed or a line without an end would otherwise swallow the rest of the file.

use std::io::{BufRead, BufReader, Chain, Cursor, Read};

use csv::{ReaderBuilder, StringRecord};

use super::problem::{Problem, Problems};
use crate::kernel::text::{one_line, shortened};

/// The longest row, in bytes.
pub const ROW_MAX: usize = 64 * 1024;

/// One row and the line on which it starts (from 1).
pub(crate) struct Row {
    pub(crate) line: u64,
    pub(crate) fields: StringRecord,
}

/// A file that is read row by row. After the first problem it is not to be read on.
pub(crate) struct Rows<R> {
    input: BufReader<Chain<Cursor<Vec<u8>>, R>>,
    lines: u64,
    bytes: Vec<u8>,
}

impl<R: Read> Rows<R> {
    /// Opens the file; refuses what its first bytes show to be no UTF-8 text.
    pub(crate) fn open(mut input: R) -> Result<Self, Problem> {
        let mut start = Vec::with_capacity(4);
        input.by_ref().take(4).read_to_end(&mut start).map_err(|e| unreadable(&e))?;
        match start[..] {
            [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => {
                return Err(Problem::whole("the file is in UTF-16; save it as UTF-8"));
            }
            [a, 0, b, 0] | [0, a, 0, b] if a != 0 && b != 0 => {
                return Err(Problem::whole("the file looks like UTF-16; save it as UTF-8"));
            }
            [b'P', b'K', 3, 4] => {
                return Err(Problem::whole(
                    "the file is a workbook or an archive; save it as CSV in UTF-8",
                ));
            }
            _ => {}
        }
        if start.starts_with(b"\xEF\xBB\xBF") {
            start.drain(..3);
        }
        Ok(Self {
            input: BufReader::new(Cursor::new(start).chain(input)),
            lines: 0,
            bytes: Vec::new(),
        })
    }

    /// The names of the columns, which no two share.
    pub(crate) fn header(&mut self) -> Result<Vec<String>, Vec<Problem>> {
        let Some(row) = self.next().map_err(|problem| vec![problem])? else {
            return Err(vec![Problem::whole("the file is empty")]);
        };
        let names: Vec<String> = row.fields.iter().map(one_line).collect();
        let mut problems = Problems::default();
        for (i, name) in names.iter().enumerate() {
            if name.is_empty() {
                problems.push(Problem::at(row.line, format!("column {} has no name", i + 1)));
            } else if names[..i].contains(name) {
                problems.push(Problem::at(
                    row.line,
                    format!("two columns have the name {}", quoted(name)),
                ));
            }
        }
        problems.or(names)
    }

    /// The next row, without blank lines; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Row>, Problem> {
        loop {
            let line = self.lines + 1;
            if !self.gather(line)? {
                return Ok(None);
            }
            if !self.bytes.trim_ascii().is_empty() {
                return self.split(line).map(Some);
            }
        }
    }

    /// Reads the bytes of the row that starts at `line`; false at the end of the file.
    fn gather(&mut self, line: u64) -> Result<bool, Problem> {
        self.bytes.clear();
        let mut at = At::Start;
        loop {
            let before = self.bytes.len();
            let room = (ROW_MAX + 1 - before) as u64;
            let read = self.input.by_ref().take(room).read_until(b'\n', &mut self.bytes);
            if read.map_err(|e| unreadable(&e))? == 0 {
                return match at {
                    At::Quoted => Err(Problem::at(line, "a quote is opened and never closed")),
                    _ => Ok(before > 0),
                };
            }
            self.lines += 1;
            if self.bytes.len() > ROW_MAX {
                let text =
                    format!("the row is longer than {} KB; is a quote left open?", ROW_MAX / 1024);
                return Err(Problem::at(line, text));
            }
            at = self.bytes[before..].iter().fold(at, |at, byte| at.after(*byte));
            if at != At::Quoted {
                return Ok(true);
            }
        }
    }

    /// Takes the row apart.
    fn split(&self, line: u64) -> Result<Row, Problem> {
        if self.bytes.contains(&0) {
            return Err(Problem::at(
                line,
                "the row holds a NUL byte; the file must be text in UTF-8",
            ));
        }
        let Ok(text) = std::str::from_utf8(&self.bytes) else {
            return Err(Problem::at(line, "the row is not UTF-8; save the file as UTF-8"));
        };
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(text.len())
            .from_reader(text.as_bytes());
        let (mut fields, mut rest) = (StringRecord::new(), StringRecord::new());
        let read = reader.read_record(&mut fields).and_then(|_| reader.read_record(&mut rest));
        match read {
            Ok(false) => Ok(Row { line, fields }),
            Ok(true) => {
                Err(Problem::at(line, "a line break in the row is no line feed (LF or CR LF)"))
            }
            Err(error) => Err(Problem::at(line, format!("the row cannot be read: {error}"))),
        }
    }
}

/// Where in a row a byte is, as the `csv` crate sees it.
#[derive(Clone, Copy, PartialEq)]
enum At {
    /// At the start of a field.
    Start,
    /// In a field without quotes, or behind the closing one.
    Plain,
    /// Between quotes, where a line break belongs to the field.
    Quoted,
    /// Behind a quote that closes the field unless another one follows.
    Quote,
}

impl At {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::Quote,
            (Self::Quoted, _) | (Self::Start | Self::Quote, b'"') => Self::Quoted,
            (_, b',') => Self::Start,
            _ => Self::Plain,
        }
    }
}

fn unreadable(error: &std::io::Error) -> Problem {
    Problem::whole(format!("the file cannot be read: {error}"))
}

/// A column that must be there: its place, or a problem that says which columns there are.
pub(crate) fn column(header: &[String], name: &str) -> Result<usize, Problem> {
    header.iter().position(|column| column == name).ok_or_else(|| {
        let found = shortened(&header.join(", "), 300);
        let hint = match header {
            [only] if only.contains([';', '\t']) => "; the columns must be separated by commas",
            _ => "",
        };
        Problem::whole(format!("there is no column {}, only: {found}{hint}", quoted(name)))
    })
}

/// What stands in a file, for a message: in quotes and not too long.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", shortened(&one_line(text), 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Result<Vec<(u64, Vec<String>)>, String> {
        let mut rows = Rows::open(text).map_err(|p| p.to_string())?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(|p| p.to_string())? {
            found.push((row.line, row.fields.iter().map(str::to_owned).collect()));
        }
        Ok(found)
    }

    #[test]
    fn line_numbers_are_right_behind_blank_lines_and_breaks_in_quotes() {
        let rows =
            all(b"a,b\r\n\r\n\"x\r\ny\",2\r\n \n5\" disk,\"say \"\"hi\"\"\"\nlast,row").unwrap();
        let lines: Vec<u64> = rows.iter().map(|row| row.0).collect();
        assert_eq!(lines, [1, 3, 6, 7]);
        assert_eq!(rows[1].1, ["x\r\ny", "2"]);
        assert_eq!(rows[2].1, ["5\" disk", "say \"hi\""]);
        assert_eq!(rows[3].1, ["last", "row"]);
    }

    #[test]
    fn an_open_quote_does_not_swallow_the_rows_behind_it() {
        let error = all(b"id,name\n1,\"Ada\n2,Ben\n").unwrap_err();
        assert_eq!(error, "line 2: a quote is opened and never closed");
    }

    #[test]
    fn a_line_of_10_mb_is_refused_without_being_read() {
        struct Endless(usize);
        impl Read for Endless {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                self.0 += buffer.len();
                assert!(self.0 < 2 * ROW_MAX, "read on behind the limit");
                buffer.fill(b'x');
                Ok(buffer.len())
            }
        }
        let mut rows = Rows::open(Endless(0)).ok().unwrap();
        let error = rows.next().err().unwrap().to_string();
        assert_eq!(error, "line 1: the row is longer than 64 KB; is a quote left open?");
        let long = [b"id\n\"".as_slice(), &b"\n".repeat(10 << 20)].concat();
        assert!(all(&long).unwrap_err().starts_with("line 2: the row is longer"));
    }

    #[test]
    fn a_row_of_exactly_the_limit_is_read() {
        let mut text = vec![b'x'; ROW_MAX - 1];
        text.push(b'\n');
        assert_eq!(all(&text).unwrap().len(), 1);
        text.insert(0, b'x');
        assert!(all(&text).is_err());
    }

    #[test]
    fn other_encodings_are_called_by_name() {
        let utf16: Vec<u8> = "id,name\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(all(&utf16).unwrap_err().contains("looks like UTF-16"));
        assert!(all(&[&[0xFF, 0xFE], &utf16[..]].concat()).unwrap_err().contains("is in UTF-16"));
        assert!(all(b"PK\x03\x04rest").unwrap_err().contains("workbook"));
        assert_eq!(
            all(b"id\nJ\xF8rgen\n").unwrap_err(),
            "line 2: the row is not UTF-8; save the file as UTF-8"
        );
        assert!(all(b"id\na\0b\n").unwrap_err().starts_with("line 2: the row holds a NUL byte"));
        assert!(all(b"id,name\r1,Ada\r").unwrap_err().contains("no line feed"));
    }

    #[test]
    fn a_byte_order_mark_of_utf_8_is_no_part_of_the_first_name() {
        assert_eq!(all("\u{feff}id\n".as_bytes()).unwrap(), [(1, vec!["id".to_owned()])]);
        assert_eq!(all("\u{feff}".as_bytes()).unwrap(), []);
    }

    #[test]
    fn a_header_names_each_column_once() {
        let header = |text: &str| Rows::open(text.as_bytes()).ok().unwrap().header();
        assert_eq!(header("id, name\n").unwrap(), ["id", "name"]);
        assert_eq!(header("").unwrap_err()[0].to_string(), "the file is empty");
        assert_eq!(
            header("id,id\n").unwrap_err()[0].to_string(),
            "line 1: two columns have the name \"id\""
        );
        assert_eq!(header("id,,x\n").unwrap_err()[0].to_string(), "line 1: column 2 has no name");
    }
}
