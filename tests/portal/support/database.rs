//! A database of a test's own, empty, gone with the test.

use std::{env, fs};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use tempfile::TempDir;
use url::Url;
use uuid::Uuid;

use super::skip;

const FILE: &str = "keyholder.db";

/// An empty database; dropping this removes it, whoever is still connected.
pub struct FreshDatabase {
    url: String,
    home: Home,
}

/// What a database held; as many new ones as one likes are made of it.
pub enum Snapshot {
    File(Vec<u8>),
    Cluster(FreshDatabase),
}

enum Home {
    Folder { folder: TempDir },
    Cluster { superuser: String, name: String },
}

impl FreshDatabase {
    /// Of the kind that `TEST_DATABASE` names, `sqlite` (also when it is not set) or `postgres`.
    pub fn fresh() -> Option<FreshDatabase> {
        match env::var_os("TEST_DATABASE").as_deref().and_then(|kind| kind.to_str()) {
            None | Some("sqlite") => Some(Self::sqlite()),
            Some("postgres") => Self::postgres(),
            Some(other) => panic!("TEST_DATABASE is {other}: neither sqlite nor postgres"),
        }
    }

    /// A file in a folder of its own. The file is not made yet.
    pub fn sqlite() -> FreshDatabase {
        let folder = TempDir::new().expect("a folder for the database");
        let url = format!("sqlite:{}", folder.path().join(FILE).display());
        FreshDatabase { url, home: Home::Folder { folder } }
    }

    /// One in the cluster of `TEST_POSTGRES`, the address of a superuser.
    pub fn postgres() -> Option<FreshDatabase> {
        let Some(superuser) = env::var_os("TEST_POSTGRES") else {
            skip("no PostgreSQL: tests/with-postgres starts one and sets TEST_POSTGRES");
            return None;
        };
        Some(Self::cluster(superuser.into_string().expect("UTF-8"), "template0"))
    }

    fn cluster(superuser: String, template: &str) -> FreshDatabase {
        let name = format!("test_{}", Uuid::new_v4().simple());
        run(&superuser, &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        let mut url = Url::parse(&superuser).expect("TEST_POSTGRES is an address");
        url.set_path(&name);
        FreshDatabase { url: url.into(), home: Home::Cluster { superuser, name } }
    }

    /// Keeps what is in it. Nobody is connected any more.
    pub fn snapshot(self) -> Snapshot {
        match &self.home {
            Home::Folder { folder } => {
                let file = folder.path().join(FILE);
                assert!(!file.with_extension("db-wal").exists(), "somebody is still connected");
                Snapshot::File(fs::read(file).expect("the database"))
            }
            Home::Cluster { .. } => Snapshot::Cluster(self),
        }
    }

    /// A new one that holds the same.
    pub fn of(snapshot: &Snapshot) -> FreshDatabase {
        match snapshot {
            Snapshot::File(bytes) => {
                let new = Self::sqlite();
                if let Home::Folder { folder } = &new.home {
                    fs::write(folder.path().join(FILE), bytes).expect("a copy");
                }
                new
            }
            Snapshot::Cluster(whole) => match &whole.home {
                Home::Cluster { superuser, name } => Self::cluster(superuser.clone(), name),
                Home::Folder { .. } => unreachable!("a file is kept as its bytes"),
            },
        }
    }

    /// As Keyholder takes it: `sqlite:` and a path, or `postgres://...`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for FreshDatabase {
    fn drop(&mut self) {
        if let Home::Cluster { superuser, name } = &self.home {
            run(superuser, &format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

fn run(superuser: &str, statement: &str) {
    let mut postgres = PgConnection::establish(superuser).expect("the PostgreSQL of TEST_POSTGRES");
    postgres.batch_execute(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
}
