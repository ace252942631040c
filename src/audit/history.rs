//! The history of one thing, read from the facts: what its page shows. Every read is one statement and bounded.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::access::Person;
use crate::db::Db;
use crate::db::load_told;
use crate::db::schema::{facts, packages};
use crate::directory::profile::store::Sight;
use crate::error::Result;
use crate::kernel::fact::{Names, Sentence, Veil};
use crate::kernel::{
    AssignmentId, CatalogId, Fact, FactId, Family, PackageId, PersonId, RequestId,
    ReviewInstanceId, Ts,
};
use crate::requests::store::who_waits;

/// One thing that happened, as a page tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The fact's id.
    pub id: FactId,
    /// When it happened.
    pub at: Ts,
    /// When it was due, if a timer did it (E3).
    pub due_at: Option<Ts>,
    /// Who did it; a timer has no id.
    pub actor: Option<PersonId>,
    /// Their name of that moment, or the timer's.
    pub actor_name: String,
    /// The request that it belongs to, and its reference.
    pub request: Option<(RequestId, String)>,
    /// The assignment that it belongs to.
    pub assignment: Option<AssignmentId>,
    /// The resource's name.
    pub resource: Option<String>,
    /// A person's own words.
    pub note: Option<String>,
    /// What happened.
    pub fact: Fact,
    /// The same in one sentence, names set apart.
    pub sentence: Sentence,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = facts)]
struct Row {
    id: FactId,
    at: Ts,
    due_at: Option<Ts>,
    actor_id: Option<PersonId>,
    actor_name: String,
    person_name: Option<String>,
    package_name: Option<String>,
    catalog_name: Option<String>,
    request_id: Option<RequestId>,
    reference: Option<String>,
    assignment_id: Option<AssignmentId>,
    review_id: Option<ReviewInstanceId>,
    resource_name: Option<String>,
    note: Option<String>,
    data: String,
}

/// A row for a reader from whom the names of those who decide may be kept.
fn told(row: Row, veil: &Veil) -> Result<Told> {
    let names = Names {
        actor: &row.actor_name,
        person: row.person_name.as_deref(),
        package: row.package_name.as_deref(),
        catalog: row.catalog_name.as_deref(),
        reference: row.reference.as_deref(),
        resource: row.resource_name.as_deref(),
    };
    let (fact, _) = load_told(&row.data, names)?;
    let sentence = veil.sentence(&fact, row.actor_id, names);
    let veiled = veil.actor(&fact, row.actor_id);
    Ok(Told {
        id: row.id,
        at: row.at,
        due_at: row.due_at,
        actor: row.actor_id,
        request: row.request_id.zip(row.reference),
        actor_name: veiled.map_or(row.actor_name, str::to_owned),
        assignment: row.assignment_id,
        resource: row.resource_name,
        note: row.note.filter(|note| !note.is_empty()),
        fact: veil.fact(fact),
        sentence,
    })
}

/// The newest facts that fit, newest first.
macro_rules! newest {
    ($db:expr, $limit:expr, $veil:expr, $fits:expr) => {{
        let rows: Vec<Row> = facts::table
            .filter($fits)
            .order((facts::at.desc(), facts::id.desc()))
            .limit($limit)
            .select(Row::as_select())
            .load($db)?;
        rows.into_iter().map(|row| told(row, $veil)).collect::<Result<Vec<Told>>>()
    }};
}

/// What happened to a request and to its assignment, in order; the newest `limit` facts where there are more.
///
/// # Errors
/// When the database does not answer.
pub fn history_of_request(
    db: &mut Db,
    request: RequestId,
    veil: &Veil,
    limit: i64,
) -> Result<Vec<Told>> {
    let mut all = newest!(db, limit, veil, facts::request_id.eq(request))?;
    all.reverse();
    Ok(all)
}

/// What the reader may see of what happened around a person (E28), newest first; without the names of those who decide
/// where they are kept from the reader (E17).
///
/// # Errors
/// When the database does not answer.
pub fn history_of_person(
    db: &mut Db,
    person: PersonId,
    sight: &Sight,
    reader: &Person,
    limit: i64,
) -> Result<Vec<Told>> {
    let mut query = facts::table
        .filter(facts::person_id.eq(person))
        .order((facts::at.desc(), facts::id.desc()))
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if !sight.sign_ins {
        query = query.filter(facts::family.ne(Family::SignIn.as_str()));
    }
    if reader.id == person {
        // What somebody says about the reader's access in a review is theirs to know when it comes to something.
        query = query.filter(facts::kind.ne_all(Fact::ANSWERS));
    }
    if let Some(catalogs) = &sight.catalogs {
        let theirs = packages::table.filter(packages::catalog_id.eq_any(catalogs.clone()));
        query = query.filter(
            facts::catalog_id
                .eq_any(catalogs.clone())
                .or(facts::package_id.eq_any(theirs.select(packages::id.nullable()))),
        );
    }
    let rows: Vec<Row> = query.load(db)?;
    let about = match reader.veiled {
        true => who_waits(db, rows.iter().filter_map(|row| row.request_id))?,
        false => HashMap::new(),
    };
    let veil = |row: &Row| match row.request_id.and_then(|id| about.get(&id)) {
        Some((wait, catalog)) => reader.veil(wait, *catalog),
        None if row.review_id.is_some() && reader.veiled && reader.id == person => {
            Veil(vec![person])
        }
        None => Veil::default(),
    };
    rows.into_iter().map(|row| (veil(&row), row)).map(|(veil, row)| told(row, &veil)).collect()
}

/// As many changes of a package's contents as are looked through.
const CHANGES: i64 = 200;

/// What was added to a package and what was removed from it since a version of its contents, by name: what came and
/// went again is left out.
///
/// # Errors
/// When the database does not answer.
pub fn contents_since(
    db: &mut Db,
    package: PackageId,
    seen: i64,
) -> Result<(Vec<String>, Vec<String>)> {
    let kind = Fact::PackageContentsChanged { added: vec![], removed: vec![], version: 0 }.kind();
    let all = newest!(
        db,
        CHANGES,
        &Veil::default(),
        facts::package_id.eq(package).and(facts::kind.eq(kind))
    )?;
    let (mut came, mut went) = (Vec::<String>::new(), Vec::<String>::new());
    for told in all.into_iter().rev() {
        let Fact::PackageContentsChanged { added, removed, version } = told.fact else { continue };
        if version <= seen {
            continue;
        }
        let mut moved = |names: Vec<String>, to: bool| {
            for name in names {
                let (from, to) = if to { (&mut went, &mut came) } else { (&mut came, &mut went) };
                match from.iter().position(|n| *n == name) {
                    Some(at) => drop(from.remove(at)),
                    None => to.push(name),
                }
            }
        };
        moved(added, true);
        moved(removed, false);
    }
    Ok((came, went))
}

/// What happened around a package, newest first.
///
/// # Errors
/// When the database does not answer.
pub fn history_of_package(db: &mut Db, package: PackageId, limit: i64) -> Result<Vec<Told>> {
    newest!(db, limit, &Veil::default(), facts::package_id.eq(package))
}

/// What happened around a catalog, newest first.
///
/// # Errors
/// When the database does not answer.
pub fn history_of_catalog(db: &mut Db, catalog: CatalogId, limit: i64) -> Result<Vec<Told>> {
    newest!(db, limit, &Veil::default(), facts::catalog_id.eq(catalog))
}
