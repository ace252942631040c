//! What a person's page is read from: one statement each, whatever the number of rows (E32).

use diesel::prelude::*;

use crate::access::Person;
use crate::access::policy::PersonStanding;
use crate::db::schema::{
    assignments, catalogs, group_members, groups, packages, people, policies, requests,
    stage_approvers,
};
use crate::db::{Db, awaited};
use crate::directory::PersonRow;
use crate::error::Result;
use crate::kernel::{AssignmentId, CatalogId, PackageId, PersonId, RequestId, Ts};

/// More packages than this nobody holds.
const HOLDINGS: i64 = 500;
/// The newest requests that a page shows.
const REQUESTS: i64 = 20;

/// How much of a person somebody sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Only what concerns these catalogs; none means everything.
    pub catalogs: Option<Vec<CatalogId>>,
    /// When and from where they sign in, too.
    pub sign_ins: bool,
}

/// A package that the person holds, or will hold.
#[derive(Clone, Debug)]
pub struct Holding {
    /// The assignment.
    pub id: AssignmentId,
    /// True where the policy lets managers ask for it, and so end it.
    pub by_managers: bool,
    /// The package.
    pub package: PackageId,
    /// Its name.
    pub name: String,
    /// Its catalog.
    pub catalog: CatalogId,
    /// The name of the policy under which it is held.
    pub policy: String,
    /// Since when, or from when.
    pub since: Ts,
    /// False while it is scheduled.
    pub started: bool,
    /// Until when; none without an end.
    pub until: Option<Ts>,
    /// The request that it came from.
    pub request: Option<Asked>,
}

/// The request behind a holding.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The request.
    pub id: RequestId,
    /// What people quote.
    pub reference: String,
    /// Who requested.
    pub requestor: PersonId,
    /// Their name.
    pub name: String,
}

/// A request that the person made, or that is for them.
#[derive(Queryable, Clone, Debug)]
pub struct RequestRow {
    /// The request.
    pub id: RequestId,
    /// What people quote.
    pub reference: String,
    /// The package's name.
    pub package: String,
    /// The package's catalog.
    pub catalog: CatalogId,
    /// Who requested.
    pub requestor: PersonId,
    /// For whom.
    pub target: PersonId,
    /// Where it stands.
    pub state: String,
    /// When it was submitted.
    pub at: Ts,
    /// What it is for.
    pub kind: String,
    /// When the access that it brought ended, if it did.
    pub access_ended: Option<Ts>,
}

/// How somebody stands to a person, for the policy module.
///
/// # Errors
/// When the database does not answer.
pub fn standing(db: &mut Db, viewer: &Person, person: &PersonRow) -> Result<PersonStanding> {
    Ok(PersonStanding {
        person: person.id,
        manager: person.manager_id,
        deciding: decides_on(db, viewer, person.id)?,
        catalogs: touched(db, &viewer.owns, person.id)?,
    })
}

/// True if a request for the person waits for this one's decision, also in somebody's place (D34).
fn decides_on(db: &mut Db, viewer: &Person, person: PersonId) -> Result<bool> {
    let open = stage_approvers::table
        .inner_join(requests::table)
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>(&awaited(viewer)))
        .filter(requests::target_id.eq(person));
    Ok(open.select(requests::id).first::<RequestId>(db).optional()?.is_some())
}

/// Which of these catalogs the person holds or requested something of.
fn touched(db: &mut Db, owned: &[CatalogId], person: PersonId) -> Result<Vec<CatalogId>> {
    if owned.is_empty() {
        return Ok(vec![]);
    }
    let held = assignments::table.filter(assignments::target_id.eq(person));
    let asked = requests::table.filter(requests::target_id.eq(person));
    let theirs = packages::id
        .eq_any(held.select(assignments::package_id))
        .or(packages::id.eq_any(asked.select(requests::package_id)));
    let touched = packages::table.filter(packages::catalog_id.eq_any(owned)).filter(theirs);
    Ok(touched.select(packages::catalog_id).distinct().load(db)?)
}

/// The names of the groups in which a person is.
///
/// # Errors
/// When the database does not answer.
pub fn groups(db: &mut Db, person: PersonId) -> Result<Vec<String>> {
    let mine = group_members::table
        .inner_join(groups::table)
        .filter(group_members::person_id.eq(person))
        .order((groups::name_key, groups::id));
    Ok(mine.select(groups::name).load(db)?)
}

/// The names of catalogs.
///
/// # Errors
/// When the database does not answer.
pub fn catalogs(db: &mut Db, ids: &[CatalogId]) -> Result<Vec<String>> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let these = catalogs::table.filter(catalogs::id.eq_any(ids)).order(catalogs::name_key);
    Ok(these.select(catalogs::name).load(db)?)
}

/// What the person holds or will hold, by package.
///
/// # Errors
/// When the database does not answer.
pub fn holdings(db: &mut Db, person: PersonId, sight: &Sight) -> Result<Vec<Holding>> {
    type Requested = Option<(RequestId, String, PersonId)>;
    type Row = (
        (AssignmentId, PackageId, String, CatalogId, String),
        (Ts, Option<Ts>, Option<Ts>),
        Requested,
        Option<String>,
        (bool, Option<Ts>),
    );
    let mut query = assignments::table
        .inner_join(packages::table)
        .inner_join(policies::table)
        .left_join(requests::table)
        .left_join(people::table.on(people::id.nullable().eq(requests::requestor_id.nullable())))
        .filter(assignments::target_id.eq(person))
        .filter(assignments::ended_at.is_null())
        .order((packages::name_key, assignments::id))
        .limit(HOLDINGS)
        .select((
            (assignments::id, packages::id, packages::name, packages::catalog_id, policies::name),
            (assignments::starts_at, assignments::started_at, assignments::ends_at),
            (requests::id, requests::reference, requests::requestor_id).nullable(),
            people::name.nullable(),
            (policies::asks_manager, policies::deleted_at),
        ))
        .into_boxed();
    if let Some(catalogs) = &sight.catalogs {
        query = query.filter(packages::catalog_id.eq_any(catalogs.clone()));
    }
    let rows: Vec<Row> = query.load(db)?;
    let holding = |(what, when, asked, requestor, rule): Row| {
        let ((id, package, name, catalog, policy), (since, started, until)) = (what, when);
        let asked = asked.zip(requestor).map(|((id, reference, requestor), name)| Asked {
            id,
            reference,
            requestor,
            name,
        });
        let started = started.is_some();
        let (asks, gone) = rule;
        let by_managers = asks && gone.is_none();
        Holding {
            id,
            by_managers,
            package,
            name,
            catalog,
            policy,
            since,
            started,
            until,
            request: asked,
        }
    };
    Ok(rows.into_iter().map(holding).collect())
}

/// The newest requests that the person made or that are for them.
///
/// # Errors
/// When the database does not answer.
pub fn requests(db: &mut Db, person: PersonId, sight: &Sight) -> Result<Vec<RequestRow>> {
    let mut query = requests::table
        .inner_join(packages::table)
        .left_join(assignments::table.on(assignments::request_id.eq(requests::id.nullable())))
        .filter(requests::target_id.eq(person).or(requests::requestor_id.eq(person)))
        .order((requests::created_at.desc(), requests::id.desc()))
        .limit(REQUESTS)
        .select((
            requests::id,
            requests::reference,
            packages::name,
            packages::catalog_id,
            requests::requestor_id,
            requests::target_id,
            requests::state,
            requests::created_at,
            requests::kind,
            assignments::ended_at.nullable(),
        ))
        .into_boxed();
    if let Some(catalogs) = &sight.catalogs {
        query = query.filter(packages::catalog_id.eq_any(catalogs.clone()));
    }
    Ok(query.load(db)?)
}

/// Of which of these requests somebody is or was an approver, and so sees them.
///
/// # Errors
/// When the database does not answer.
pub fn approver_of(db: &mut Db, viewer: PersonId, ids: &[RequestId]) -> Result<Vec<RequestId>> {
    let theirs = stage_approvers::table
        .filter(stage_approvers::person_id.eq(viewer))
        .filter(stage_approvers::request_id.eq_any(ids));
    Ok(theirs.select(stage_approvers::request_id).distinct().load(db)?)
}
