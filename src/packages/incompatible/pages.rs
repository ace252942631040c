//! The pages on which owners say what nobody shall hold beside a package, and see who does.

use askama::Template;

use super::model::{Candidate, Holder, Line, NewRule, Other};
use super::{commands, rules, store};
use crate::access::Actor;
use crate::access::policy::{self, Gate};
use crate::db::Db;
use crate::delegation::store::groups_called;
use crate::error::{Error, FieldError, Result};
use crate::kernel::text::{counted, folded, one_line, shortened};
use crate::kernel::{GroupId, IncompatibilityId, PackageId};
use crate::packages::model::Detail;
use crate::packages::store::package;
use crate::requests::store::count_asked;
use crate::web::limit::Limit;
use crate::web::listing::{Listing, PAGE, as_csv, csv_time};
use crate::web::page::Choice;
use crate::web::paging::{Cursor, page};
use crate::web::words::When;
use crate::web::{Cx, Form, Place, Reply, Route, Shell, get, post};

/// The routes of separation of duties.
pub const ROUTES: &[Route] = &[
    get("/packages/{id}/incompatible", Gate::Catalogs, list),
    post("/packages/{id}/incompatible", Gate::Catalogs, add).limited(Limit::Submit),
    get("/packages/{id}/incompatible/check", Gate::Catalogs, check).limited(Limit::Search),
    get("/packages/{id}/incompatible/{rule}/holders", Gate::Catalogs, holders),
    post("/packages/{id}/incompatible/{rule}/remove", Gate::Catalogs, remove)
        .limited(Limit::Submit),
];

/// As many packages as there are to choose from; others are named.
const CHOICES: i64 = 500;
/// Rows of a page of people.
const ROWS: usize = 25;

/// The rules of a package, and the form for another one.
#[derive(Template)]
#[template(path = "packages/incompatible.html")]
struct ListPage {
    shell: Shell,
    detail: Detail,
    manages: bool,
    /// The rules that belong to the package.
    own: Vec<RuleLine>,
    /// Those that other packages have with it.
    others: Vec<RuleLine>,
    form: Form,
    choices: Vec<Choice>,
}

/// A rule as the page tells it.
struct RuleLine {
    id: IncompatibilityId,
    /// What is on the other side of it, seen from this page's package.
    name: String,
    catalog: Option<String>,
    /// What it says, in a sentence.
    says: String,
    reason: String,
    at: When,
}

/// The package, if the person may look inside its catalog; whether they may change it, too.
fn seen(cx: &Cx) -> Result<(Detail, bool)> {
    let id: PackageId = cx.id("id")?;
    let detail = cx.read(|db| package(db, id))?;
    let actor = cx.actor().ok_or(Error::Missing)?;
    policy::see_catalog(actor, detail.package.catalog)?;
    let manages = policy::manage_catalog(actor, detail.package.catalog).is_ok();
    Ok((detail, manages))
}

/// The package, if the person may change it.
fn managed(cx: &Cx) -> Result<Detail> {
    let (detail, manages) = seen(cx)?;
    if !manages {
        policy::manage_catalog(cx.actor().ok_or(Error::Missing)?, detail.package.catalog)?;
    }
    Ok(detail)
}

fn base(package: PackageId) -> String {
    format!("/packages/{package}/incompatible")
}

fn list(cx: &mut Cx) -> Result<Reply> {
    let (detail, manages) = seen(cx)?;
    draw(cx, detail, manages, Form::of([("way", "both")]), &[])
}

fn draw(
    cx: &Cx,
    detail: Detail,
    manages: bool,
    form: Form,
    errors: &[FieldError],
) -> Result<Reply> {
    let id = detail.package.id;
    let me = cx.person()?;
    let (lines, choices) = cx.read(|db| {
        let choices = if manages { store::choices(db, me, CHOICES)? } else { Vec::new() };
        Ok((store::lines(db, id)?, choices))
    })?;
    let line = |line: Line| rule_line(line, id, cx);
    let (own, others): (Vec<Line>, Vec<Line>) =
        lines.into_iter().partition(|line| line.rule.package == id);
    let title = format!("Separation of duties of {} – Catalogs", detail.package.name);
    let mut shell = cx.shell(title, Place::Catalogs)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let chosen = form.raw("other").to_owned();
    let choices: Vec<Choice> = std::iter::once(Choice {
        value: String::new(),
        label: "None of these".to_owned(),
        hint: String::new(),
        on: chosen.is_empty(),
    })
    .chain(choices.into_iter().filter(|c| c.other != Other::Package(id)).map(|candidate| {
        let value = match candidate.other {
            Other::Package(id) => id.to_string(),
            Other::Group(id) => id.to_string(),
        };
        Choice {
            on: value == chosen,
            label: match candidate.catalog {
                Some((_, catalog)) => format!("{} ({catalog})", candidate.name),
                None => candidate.name,
            },
            hint: String::new(),
            value,
        }
    }))
    .collect();
    let page = ListPage {
        shell,
        manages,
        own: own.into_iter().map(line).collect(),
        others: others.into_iter().map(line).collect(),
        form,
        choices,
        detail,
    };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

fn rule_line(line: Line, here: PackageId, cx: &Cx) -> RuleLine {
    let own = line.rule.package == here;
    let says = says(&line, own);
    let (name, catalog) = if own {
        (line.other, line.other_catalog.map(|(_, name)| name))
    } else {
        (line.package, Some(line.catalog_name))
    };
    RuleLine {
        id: line.rule.id,
        name,
        catalog,
        says,
        reason: line.rule.reason,
        at: When::at(line.at, cx.now(), cx.zone()),
    }
}

/// What a rule says, seen from one of its packages.
fn says(line: &Line, own: bool) -> String {
    match (line.rule.other, line.rule.mutual, own) {
        (Other::Group(_), ..) => "Members of this group may not have it.".to_owned(),
        (Other::Package(_), true, _) => "Nobody may have both, whichever comes first.".to_owned(),
        (Other::Package(_), false, true) => {
            "One way: whoever has the other package may not have this one.".to_owned()
        }
        (Other::Package(_), false, false) => {
            "One way: whoever has this package may not have the other one.".to_owned()
        }
    }
}

/// Who has both now, before a rule is saved.
#[derive(Template)]
#[template(path = "packages/incompatible_check.html")]
struct CheckPage {
    shell: Shell,
    detail: Detail,
    candidate: Candidate,
    mutual: bool,
    count: i64,
    /// How many wait for one beside the other.
    asked: i64,
    holders: Vec<HolderLine>,
    form: Form,
    csv: String,
}

impl CheckPage {
    fn group(&self) -> bool {
        matches!(self.candidate.other, Other::Group(_))
    }

    fn people(&self) -> String {
        counted(self.count, "person has", "people have")
    }

    fn waiting(&self) -> String {
        let people = counted(self.asked, "person waits", "people wait");
        format!("{people} for one of them beside the other.")
    }

    fn more(&self) -> i64 {
        self.count - i64::try_from(self.holders.len()).unwrap_or(i64::MAX)
    }
}

/// Somebody who has both.
struct HolderLine {
    href: String,
    name: String,
    package: String,
    other: String,
    /// By which exception, and until when.
    exception: Option<Option<When>>,
}

fn holder_line(holder: &Holder, cx: &Cx) -> HolderLine {
    let (now, zone) = (cx.now(), cx.zone());
    let since = |at| When::at(at, now, zone).absolute;
    HolderLine {
        href: format!("/people/{}", holder.person),
        name: holder.name.clone(),
        package: since(holder.package.at),
        other: holder.other.as_ref().map(|side| since(side.at)).unwrap_or_default(),
        exception: holder
            .exception()
            .map(|side| side.until.map(|until| When::end(until, now, zone))),
    }
}

fn check(cx: &mut Cx) -> Result<Reply> {
    let detail = managed(cx)?;
    let mut form = Form::of(cx.query_pairs().iter().cloned());
    let me = cx.person()?;
    let id = detail.package.id;
    let found = cx.read(|db| candidate(db, &Actor::Person(me.clone()), &form))?;
    let found = match found {
        Ok(found) => {
            let there = cx.read(|db| store::touching(db, &[id]))?;
            rules::fresh(id, found.other, mutual(&form), &there).map(|()| found)
        }
        Err(error) => Err(error),
    };
    let candidate = match found {
        Ok(candidate) => candidate,
        Err(error) => return draw(cx, detail, true, form, &[error]),
    };
    if as_csv(cx) {
        return Ok(holders_csv(cx, id, &detail.package.name, &candidate.name, candidate.other));
    }
    form.set("key", IncompatibilityId::fresh().to_string());
    draw_check(cx, detail, candidate, form, &[])
}

fn draw_check(
    cx: &Cx,
    detail: Detail,
    candidate: Candidate,
    mut form: Form,
    errors: &[FieldError],
) -> Result<Reply> {
    let id = detail.package.id;
    let (count, asked, holders) = cx.read(|db| {
        let count = store::count(db, id, candidate.other)?;
        let asked = count_asked(db, id, candidate.other, mutual(&form))?;
        let shown = i64::try_from(ROWS).unwrap_or(i64::MAX);
        Ok((count, asked, store::holders(db, id, candidate.other, None, shown)?))
    })?;
    // However it was named, the next step carries it by its id.
    let (package, group) = match candidate.other {
        Other::Package(id) => (id.to_string(), String::new()),
        Other::Group(id) => (String::new(), id.to_string()),
    };
    form.set("other", package);
    form.set("group", group);
    form.set("name", "");
    let mutual = mutual(&form);
    let way = if mutual { "both" } else { "one" };
    let query = Form::of([
        ("other", form.raw("other").to_owned()),
        ("group", form.raw("group").to_owned()),
        ("way", way.to_owned()),
        ("format", "csv".to_owned()),
    ]);
    let title = format!("Separate {} and {} – Catalogs", detail.package.name, candidate.name);
    let mut shell = cx.shell(title, Place::Catalogs)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let page = CheckPage {
        shell,
        csv: format!("{}/check?{}", base(id), query.encoded()),
        mutual,
        count,
        asked,
        holders: holders.iter().map(|holder| holder_line(holder, cx)).collect(),
        detail,
        candidate,
        form,
    };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

fn mutual(form: &Form) -> bool {
    form.raw("way") != "one"
}

/// What the form names: a package of the list or by its exact name, or a group by its exact name or id. At most one
/// statement.
fn candidate(db: &mut Db, actor: &Actor, form: &Form) -> Result<Result<Candidate, FieldError>> {
    let Actor::Person(person) = actor else { return Err(Error::Missing) };
    let (other, name) = (one_line(form.raw("other")), one_line(form.raw("name")));
    let group = one_line(form.raw("group"));
    let given = [&other, &name, &group].iter().filter(|text| !text.is_empty()).count();
    let no = |field: &str, words: String| Ok(Err(FieldError::new(field, words)));
    if given == 0 {
        return no("other", "Choose an access package, or name one, or name a group".into());
    }
    if given > 1 {
        return no("other", "Name one only: a package of the list, a package, or a group".into());
    }
    if !other.is_empty() {
        let found = match PackageId::parse(&other) {
            Some(id) => store::by_id(db, person, id)?,
            None => None,
        };
        let none = || FieldError::new("other", "Choose an access package of the list");
        return Ok(found.ok_or_else(none));
    }
    if !name.is_empty() {
        let found = store::by_name(db, person, &folded(&name))?;
        return match found.as_slice() {
            [one] => Ok(Ok(one.clone())),
            [] => no(
                "name",
                format!(
                    "No access package is called “{}”: enter its exact name",
                    shortened(&name, 60)
                ),
            ),
            _ => no(
                "name",
                format!(
                    "Several access packages are called “{}”: ask an administrator to add the rule",
                    shortened(&name, 60)
                ),
            ),
        };
    }
    let found = match GroupId::parse(&group) {
        Some(id) => store::group(db, id)?,
        None => groups_called(db, &[folded(&group)])?
            .into_iter()
            .next()
            .map(|(id, name)| Candidate { other: Other::Group(id), name, catalog: None }),
    };
    let none = || {
        let words = format!("No group is called “{}”: enter its exact name", shortened(&group, 60));
        FieldError::new("group", words)
    };
    Ok(found.ok_or_else(none))
}

fn add(cx: &mut Cx) -> Result<Reply> {
    let detail = managed(cx)?;
    let mut form = cx.form().clone();
    let id = IncompatibilityId::parse(form.raw("key")).unwrap_or_else(IncompatibilityId::fresh);
    form.set("key", id.to_string());
    let me = Actor::Person(cx.person()?.clone());
    let candidate = match cx.read(|db| candidate(db, &me, &form))? {
        Ok(candidate) => candidate,
        Err(error) => return draw(cx, detail, true, form, &[error]),
    };
    let (package, catalog) = (detail.package.id, detail.package.catalog);
    let new = NewRule {
        id,
        package,
        other: candidate.other,
        mutual: mutual(&form),
        reason: form.text("reason"),
    };
    let added = cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::add(tx, &permit, &new)
    });
    match added {
        Ok(_) => Ok(Reply::see_other(base(package)).notice(
            "Rule added.",
            format!(
                "Nobody gets {} beside {} any more without an exception. Whoever has both keeps both.",
                detail.package.name, candidate.name
            ),
        )),
        Err(Error::Invalid(errors)) if errors.iter().all(|error| error.field == "reason") => {
            draw_check(cx, detail, candidate, form, &errors)
        }
        Err(Error::Invalid(errors)) => draw(cx, detail, true, form, &errors),
        Err(error) => Err(error),
    }
}

fn remove(cx: &mut Cx) -> Result<Reply> {
    let detail = managed(cx)?;
    let rule: IncompatibilityId = cx.id("rule")?;
    let (id, catalog) = (detail.package.id, detail.package.catalog);
    cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::remove(tx, &permit, id, rule)
    })?;
    Ok(Reply::see_other(base(id)).notice(
        "Rule removed.",
        "The two can be held together again. What was decided because of it stays readable.",
    ))
}

/// Who has both under a rule, with the exceptions that are in force.
#[derive(Template)]
#[template(path = "packages/incompatible_holders.html")]
struct HoldersPage {
    shell: Shell,
    detail: Detail,
    line: RuleLine,
    group: bool,
    rows: Vec<HolderLine>,
    pager: Listing,
}

fn holders(cx: &mut Cx) -> Result<Reply> {
    let (detail, _) = seen(cx)?;
    let id = detail.package.id;
    let rule: IncompatibilityId = cx.id("rule")?;
    let lines = cx.read(|db| store::lines(db, id))?;
    let Some(line) = lines.into_iter().find(|line| line.rule.id == rule) else {
        return Err(Error::Missing);
    };
    let (package, other) = (line.rule.package, line.rule.other);
    if as_csv(cx) {
        return Ok(holders_csv(cx, package, &line.package, &line.other, other));
    }
    let at: Option<Cursor<String>> = cx.cursor(PAGE)?;
    let limit = i64::try_from(ROWS).unwrap_or(i64::MAX) + 1;
    let found = cx.read(|db| store::holders(db, package, other, at.as_ref(), limit))?;
    let found = page(found, ROWS, at.as_ref(), |row| (row.key.clone(), row.person.0));
    let line = rule_line(line, id, cx);
    let title = format!("Who has {} and {} – Catalogs", detail.package.name, line.name);
    let shown = HoldersPage {
        shell: cx.shell(title, Place::Catalogs)?,
        group: matches!(other, Other::Group(_)),
        rows: found.rows.iter().map(|holder| holder_line(holder, cx)).collect(),
        pager: Listing::under(cx, &found, "person", "people"),
        line,
        detail,
    };
    Reply::page(&shown)
}

/// Everybody who has both, as a file.
fn holders_csv(cx: &Cx, package: PackageId, name: &str, beside: &str, other: Other) -> Reply {
    const PIECE: i64 = 500;
    const COLUMNS: &[&str] = &[
        "Person",
        "Access package",
        "Since",
        "Until",
        "Incompatible with",
        "Since",
        "Until",
        "Exception until",
    ];
    let db = cx.site.db.clone();
    let (name, beside) = (name.to_owned(), beside.to_owned());
    Reply::csv_stream("incompatible.csv", COLUMNS, move |out| {
        let mut after: Option<Cursor<String>> = None;
        loop {
            let read = |db: &mut Db| store::holders(db, package, other, after.as_ref(), PIECE);
            let rows = db.read(read)?;
            for row in &rows {
                let second = row.other.as_ref();
                let exception = row.exception().map(|side| side.until);
                out.row(&[
                    row.name.clone(),
                    name.clone(),
                    csv_time(row.package.at),
                    csv_time(row.package.until),
                    beside.clone(),
                    csv_time(second.map(|side| side.at)),
                    csv_time(second.and_then(|side| side.until)),
                    exception.map(csv_time).unwrap_or_default(),
                ])?;
            }
            match rows.into_iter().next_back() {
                Some(last) => {
                    after = Some(Cursor { key: last.key, id: last.person.0, back: false });
                }
                None => return Ok(()),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{CatalogId, Ts};
    use crate::packages::incompatible::model::Rule;

    #[test]
    fn d19_a_rule_says_which_way_it_holds_from_both_of_its_packages() {
        let line = |other, mutual| Line {
            rule: Rule {
                id: IncompatibilityId::fresh(),
                package: PackageId::fresh(),
                other,
                mutual,
                reason: "R".into(),
            },
            package: "A".into(),
            catalog: CatalogId::fresh(),
            catalog_name: "C".into(),
            other: "B".into(),
            other_catalog: None,
            at: Ts::from_micros(0),
        };
        let package = Other::Package(PackageId::fresh());
        assert!(says(&line(package, true), true).contains("both"));
        assert_eq!(says(&line(package, true), true), says(&line(package, true), false));
        assert!(says(&line(package, false), true).contains("may not have this one"));
        assert!(says(&line(package, false), false).contains("may not have the other one"));
        assert!(says(&line(Other::Group(GroupId::fresh()), true), true).contains("Members"));
    }
}
