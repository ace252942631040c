//! The one enum over both databases, and how a connection of each is opened.

#![expect(missing_docs, reason = "the derive makes undocumented items")]

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::{PgConnection, SqliteConnection};

/// A connection to either database; a typed query runs on both.
#[derive(diesel::MultiConnection)]
pub enum Db {
    /// PostgreSQL.
    Pg(PgConnection),
    /// SQLite.
    Sqlite(SqliteConnection),
}

/// Where the data lives, read from the scheme of the address.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// A file.
    Sqlite(String),
    /// A `postgres://` address.
    Pg(String),
}

impl Address {
    /// Reads `sqlite:PATH`, `sqlite://PATH`, `postgres://...` or `postgresql://...`.
    ///
    /// # Errors
    /// Words for the operator when the scheme is another one. The address itself is not repeated: it may hold a password.
    pub fn parse(url: &str) -> Result<Self, String> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Pg(url.to_owned()));
        }
        match url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
            Some("") | None => {
                Err("the database address must start with sqlite: (and name a file) or postgres://"
                    .into())
            }
            Some(path) => Ok(Self::Sqlite(path.to_owned())),
        }
    }

    /// True for a PostgreSQL on this machine: a loopback address or a local socket (E15).
    #[must_use]
    pub fn is_local(&self) -> bool {
        let Self::Pg(url) = self else { return true };
        let Ok(url) = url::Url::parse(url) else { return false };
        let hosts: Vec<String> = url
            .query_pairs()
            .filter(|(name, _)| matches!(name.as_ref(), "host" | "hostaddr"))
            .flat_map(|(_, value)| value.split(',').map(str::to_owned).collect::<Vec<_>>())
            .chain(url.host_str().map(str::to_owned))
            .filter(|host| !host.is_empty())
            .collect();
        hosts.iter().all(|host| {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host == "localhost"
                || host.starts_with('/')
                || host.starts_with("%2F")
                || host.starts_with("%2f")
                || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        })
    }
}

impl Db {
    /// Opens a connection that may write.
    ///
    /// # Errors
    /// When the database cannot be reached or opened.
    pub fn open(address: &Address) -> ConnectionResult<Self> {
        match address {
            Address::Pg(url) => PgConnection::establish(url).map(Self::Pg),
            Address::Sqlite(path) => {
                let mut connection = SqliteConnection::establish(path)?;
                // A second process (an import beside a server) waits up to 30 seconds (E13).
                connection
                    .batch_execute(
                        "PRAGMA busy_timeout = 30000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                         PRAGMA foreign_keys = ON; PRAGMA cache_size = -16000;",
                    )
                    .map_err(ConnectionError::CouldntSetupConfiguration)?;
                Ok(Self::Sqlite(connection))
            }
        }
    }

    /// Opens a connection that may write, and on SQLite does not wait for the disk.
    ///
    /// # Errors
    /// When the database cannot be reached or opened.
    pub fn open_scratch(address: &Address) -> ConnectionResult<Self> {
        let mut db = Self::open(address)?;
        if let Self::Sqlite(connection) = &mut db {
            connection
                .batch_execute("PRAGMA synchronous = OFF;")
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
        }
        Ok(db)
    }

    /// Opens a connection for reading; on SQLite it cannot write (E13).
    ///
    /// # Errors
    /// When the database cannot be reached or opened.
    pub fn open_reader(address: &Address) -> ConnectionResult<Self> {
        let mut db = Self::open(address)?;
        if let Self::Sqlite(connection) = &mut db {
            connection
                .batch_execute("PRAGMA query_only = ON;")
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
        }
        Ok(db)
    }
}

/// The same typed query compiled for each database; the open connection decides.
/// For what the enum itself lacks: batch inserts and upserts.
#[macro_export]
macro_rules! each_backend {
    ($db:expr, |$connection:ident| $body:expr) => {
        match $db {
            $crate::db::Db::Pg($connection) => $body,
            $crate::db::Db::Sqlite($connection) => $body,
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_postgresql_of_this_machine_is_local() {
        for (url, local) in [
            ("postgres://u:p@127.0.0.1:5432/app", true),
            ("postgres://u@localhost/app", true),
            ("postgres://u@[::1]/app", true),
            ("postgres:///app?host=/run/postgresql", true),
            ("postgres://u@db.example.com/app", false),
            ("postgres://u@127.0.0.1/app?host=db.example.com", false),
            ("postgres://u@127.0.0.1/app?hostaddr=10.0.0.1", false),
        ] {
            assert_eq!(Address::parse(url).expect("an address").is_local(), local, "{url}");
        }
    }

    #[test]
    fn an_unknown_scheme_is_refused_without_repeating_it() {
        let words = Address::parse("mysql://me:secret@db/app").err().expect("refused");
        assert!(!words.contains("secret"));
    }
}
