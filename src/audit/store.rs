//! The audit log: facts by filter, newest first, by key.

use diesel::prelude::*;

use crate::db::schema::facts;
use crate::db::{Db, Seek, load_told};
use crate::error::Result;
use crate::kernel::fact::{Names, Part, Sentence};
use crate::kernel::text::folded;
use crate::kernel::{AssignmentId, CatalogId, FactId, Family, PackageId, PersonId, RequestId, Ts};

/// Which facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of one family.
    pub family: Option<Family>,
    /// Only what did not work.
    pub failed: bool,
    /// Each of these words stands in a name or reference of the fact.
    pub text: String,
    /// From this instant on.
    pub from: Option<Ts>,
    /// Before this instant.
    pub before: Option<Ts>,
    /// About this person.
    pub person: Option<PersonId>,
    /// About this package.
    pub package: Option<PackageId>,
    /// About this catalog.
    pub catalog: Option<CatalogId>,
    /// About this request.
    pub request: Option<RequestId>,
}

/// One fact as it is recorded, with its sentence.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its id.
    pub id: FactId,
    /// When it happened.
    pub at: Ts,
    /// When it was due, if a timer did it (E3).
    pub due_at: Option<Ts>,
    /// What kind of thing happened.
    pub kind: String,
    /// The facet.
    pub family: String,
    /// Whether it did not work.
    pub failed: bool,
    /// Who did it; a timer has no id.
    pub actor: (Option<PersonId>, String),
    /// Whom it concerns.
    pub person: Option<(PersonId, String)>,
    /// The package.
    pub package: Option<(PackageId, String)>,
    /// The catalog.
    pub catalog: Option<(CatalogId, String)>,
    /// The request and its reference.
    pub request: Option<(RequestId, String)>,
    /// The assignment.
    pub assignment: Option<AssignmentId>,
    /// The resource's name.
    pub resource: Option<String>,
    /// Somebody's own words.
    pub note: Option<String>,
    /// What happened, names set apart.
    pub sentence: Sentence,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = facts)]
struct Row {
    id: FactId,
    at: Ts,
    due_at: Option<Ts>,
    kind: String,
    family: String,
    failed: bool,
    actor_id: Option<PersonId>,
    actor_name: String,
    person_id: Option<PersonId>,
    person_name: Option<String>,
    package_id: Option<PackageId>,
    package_name: Option<String>,
    catalog_id: Option<CatalogId>,
    catalog_name: Option<String>,
    request_id: Option<RequestId>,
    reference: Option<String>,
    assignment_id: Option<AssignmentId>,
    resource_name: Option<String>,
    note: Option<String>,
    data: String,
}

fn entry(row: Row) -> Entry {
    let names = Names {
        actor: &row.actor_name,
        person: row.person_name.as_deref(),
        package: row.package_name.as_deref(),
        catalog: row.catalog_name.as_deref(),
        reference: row.reference.as_deref(),
        resource: row.resource_name.as_deref(),
    };
    // A fact that a newer version wrote is still an entry: the log never leaves one out.
    let sentence = load_told(&row.data, names).map_or_else(
        |_| {
            let text = format!("{} (recorded by another version)", row.kind);
            Sentence(vec![Part::words(&text)])
        },
        |(_, sentence)| sentence,
    );
    Entry {
        id: row.id,
        at: row.at,
        due_at: row.due_at,
        kind: row.kind,
        family: row.family,
        failed: row.failed,
        actor: (row.actor_id, row.actor_name),
        person: row.person_id.zip(row.person_name),
        package: row.package_id.zip(row.package_name),
        catalog: row.catalog_id.zip(row.catalog_name),
        request: row.request_id.zip(row.reference),
        assignment: row.assignment_id,
        resource: row.resource_name,
        note: row.note.filter(|note| !note.is_empty()),
        sentence,
    }
}

/// A page of the facts that fit, newest first: one statement.
///
/// # Errors
/// When the database does not answer.
pub fn entries(
    db: &mut Db,
    filter: &Filter,
    from: Option<Seek<FactId>>,
    limit: i64,
) -> Result<Vec<Entry>> {
    let mut query = facts::table.select(Row::as_select()).limit(limit).into_boxed();
    if let Some(family) = filter.family {
        query = query.filter(facts::family.eq(family.as_str()));
    }
    if filter.failed {
        query = query.filter(facts::failed.eq(true));
    }
    for word in filter.text.split_whitespace() {
        query = query.filter(facts::search.like(pattern(word)).escape('\\'));
    }
    if let Some(at) = filter.from {
        query = query.filter(facts::at.ge(at));
    }
    if let Some(at) = filter.before {
        query = query.filter(facts::at.lt(at));
    }
    if let Some(id) = filter.person {
        query = query.filter(facts::person_id.eq(id));
    }
    if let Some(id) = filter.package {
        query = query.filter(facts::package_id.eq(id));
    }
    if let Some(id) = filter.catalog {
        query = query.filter(facts::catalog_id.eq(id));
    }
    if let Some(id) = filter.request {
        query = query.filter(facts::request_id.eq(id));
    }
    let (at, id) = (facts::at, facts::id);
    query = match from {
        Some(from) if from.back => query
            .filter(at.gt(from.at).or(at.eq(from.at).and(id.gt(from.id))))
            .order((at.asc(), id.asc())),
        Some(from) => query
            .filter(at.lt(from.at).or(at.eq(from.at).and(id.lt(from.id))))
            .order((at.desc(), id.desc())),
        None => query.order((at.desc(), id.desc())),
    };
    let rows: Vec<Row> = query.load(db)?;
    Ok(rows.into_iter().map(entry).collect())
}

/// The word somewhere in the folded text, its own wildcards taken literally.
fn pattern(word: &str) -> String {
    let mut pattern = String::from("%");
    for c in folded(word).chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_of_a_person_are_letters() {
        assert_eq!(pattern("Tomás_100%"), "%tomas\\_100\\%%");
    }
}
