//! A review is set up, read back as sentences before it is saved, changed and ended.

use askama::Template;

use super::{ordinal, outcome_mark, review_mark};
use crate::access::policy;
use crate::catalogs::model::Resource;
use crate::db::Db;
use crate::directory;
use crate::directory::store::meant;
use crate::error::{Error, FieldError, Result};
use crate::kernel::text::{capital, counted};
use crate::kernel::time::day;
use crate::kernel::{
    CatalogId, GroupId, PackageId, PolicyId, ResourceId, ReviewId, ReviewInstanceId, ReviewListId,
    Zone,
};
use crate::policies::model::Named;
use crate::reviews::commands::{self, NewReview};
use crate::reviews::model::{
    GoesOn, Review, Reviewers, Rhythm, Scope, Silence, Source, Stage, Terms,
};
use crate::reviews::store::rows::NewRow;
use crate::reviews::store::{self, listing};
use crate::reviews::{NOBODY, list as lists, reads};
use crate::web::page::{Choice, Mark};
use crate::web::words::When;
use crate::web::{Cx, Form, Place, Reply, Shell};

#[derive(Template)]
#[template(path = "reviews/define.html")]
struct DefinePage {
    shell: Shell,
    /// The review that is changed; none for a new one.
    review: Option<ReviewId>,
    form: Form,
    /// The name of the policy whose access is reviewed, where it is one.
    policy: Option<String>,
    /// The name of the resource that is reviewed, where a review of one is changed.
    resource: Option<String>,
    resources: Vec<Choice>,
    catalogs: Vec<Choice>,
    groups: Vec<Choice>,
    rhythms: Vec<Choice>,
    /// True where a list is reviewed that can be put in anew.
    listed: bool,
    stages: Vec<StageFields>,
    today: String,
    /// What it will say, where everything is right: the step before it is saved.
    preview: Option<Preview>,
}

impl DefinePage {
    /// Where the form goes.
    fn action(&self) -> String {
        self.review.map_or_else(|| "/reviews".to_owned(), |id| format!("/reviews/definitions/{id}"))
    }
}

/// The fields of a stage after the first one.
struct StageFields {
    /// "2" or "3": the end of the names of its fields.
    number: &'static str,
    /// What it is called.
    nth: &'static str,
    /// What the stage before is called.
    before: &'static str,
    /// True where something is said about it.
    on: bool,
    kinds: Vec<Choice>,
    groups: Vec<Choice>,
    /// What of the stage before comes to it.
    gets: Vec<Choice>,
}

impl StageFields {
    fn name(&self, field: &str) -> String {
        format!("{field}{}", self.number)
    }
}

/// The ends of the names of the fields of later stages, what each is called, and the one before it.
const LATER: [(&str, &str, &str); 2] = [("2", "second", "first"), ("3", "third", "second")];

struct Preview {
    reads: Vec<String>,
    /// How much it would hold if it started now, in words.
    held: String,
    /// True where reviewers are asked as soon as it is saved.
    at_once: bool,
}

/// As many groups and applications as one can choose from.
const RESOURCES: i64 = 500;

pub(super) fn new(cx: &mut Cx) -> Result<Reply> {
    let under = match PolicyId::parse(cx.query("policy")) {
        Some(id) => Some(under_policy(cx, id)?),
        None => None,
    };
    let of = match ResourceId::parse(cx.query("resource")) {
        Some(id) => Some(resource(cx, id)?),
        None => None,
    };
    let catalog = match (&under, &of) {
        (Some(under), _) => Some(under.catalog),
        (None, Some(of)) => Some(of.catalog),
        (None, None) => CatalogId::parse(cx.query("catalog")),
    };
    may(cx, catalog)?;
    let form = cx.refill().unwrap_or_else(|| {
        Form::of([
            ("key", ReviewId::fresh().to_string()),
            ("catalog", catalog.map(|id| id.to_string()).unwrap_or_default()),
            ("source", if of.is_some() { "resource" } else { "assignments" }.to_owned()),
            ("resource", of.map(|of| of.id.to_string()).unwrap_or_default()),
            ("policy", under.map(|under| under.policy.id.to_string()).unwrap_or_default()),
            ("reviewers", "manager".to_owned()),
            ("rhythm", Rhythm::Quarterly.as_str().to_owned()),
            ("first", cx.zone().date(cx.now()).to_string()),
            ("days", "14".to_owned()),
            ("silence", Silence::Keep.as_str().to_owned()),
            ("recommends", "yes".to_owned()),
            ("days2", "7".to_owned()),
            ("gets2", GoesOn::Removed.as_str().to_owned()),
            ("gets2", GoesOn::Unknown.as_str().to_owned()),
            ("shows2", "yes".to_owned()),
            ("days3", "7".to_owned()),
            ("gets3", GoesOn::Removed.as_str().to_owned()),
            ("shows3", "yes".to_owned()),
        ])
    });
    draw(cx, None, form, &[], None)
}

/// A policy whose access is reviewed, and where it belongs.
struct Under {
    policy: Named<PolicyId>,
    package: Named<PackageId>,
    catalog: CatalogId,
}

impl Under {
    fn read(db: &mut Db, id: PolicyId) -> Result<Self> {
        let policy = crate::policies::store::policy(db, id)?;
        let package = crate::packages::store::package(db, policy.package)?.package;
        Ok(Self {
            policy: Named { id, name: policy.name },
            package: Named { id: package.id, name: package.name },
            catalog: package.catalog,
        })
    }
}

/// A policy of which the reader may set up reviews; of others nobody tells whether they are there (E28).
fn under_policy(cx: &Cx, id: PolicyId) -> Result<Under> {
    let under = cx.read(|db| Under::read(db, id))?;
    let actor = cx.actor().ok_or(Error::Missing)?;
    match policy::manage_review(actor, Some(under.catalog)) {
        Ok(_) => Ok(under),
        Err(_) => Err(Error::Missing),
    }
}

/// A group or application that the reader may set up reviews of; of others nobody tells whether they are there (E28).
fn resource(cx: &Cx, id: ResourceId) -> Result<Resource> {
    let there = cx.read(|db| crate::catalogs::store::resource(db, id))?;
    let actor = cx.actor().ok_or(Error::Missing)?;
    match policy::manage_review(actor, Some(there.catalog)) {
        Ok(_) => Ok(there),
        Err(_) => Err(Error::Missing),
    }
}

/// May the reader set up reviews of this catalog, or any at all?
fn may(cx: &Cx, catalog: Option<CatalogId>) -> Result<()> {
    let actor = cx.actor().ok_or(Error::Missing)?;
    let me = cx.person()?;
    match catalog {
        Some(id) => policy::manage_review(actor, Some(id)).map(|_| ())?,
        None if !me.owns.is_empty() && !me.auditor => {}
        None => policy::manage_review(actor, None).map(|_| ())?,
    }
    Ok(())
}

fn draw(
    cx: &Cx,
    review: Option<ReviewId>,
    form: Form,
    errors: &[FieldError],
    preview: Option<Preview>,
) -> Result<Reply> {
    let me = cx.person()?.clone();
    let owned = (!me.administrator).then_some(me.owns.as_slice());
    let (catalogs, groups, policy, mut all) = cx.read(|db| {
        let all = crate::catalogs::store::names(db)?;
        let policy = match (review, PolicyId::parse(form.raw("policy"))) {
            (Some(id), _) => store::review(db, id)?.terms.scope.policy.map(|policy| policy.name),
            (None, Some(id)) => Some(crate::policies::store::name_of(db, id)?),
            (None, None) => None,
        };
        let resources = match review {
            None => crate::catalogs::store::named_resources(db, owned, RESOURCES)?,
            Some(_) => vec![],
        };
        Ok((all, directory::store::groups(db)?, policy, resources))
    })?;
    let chosen = ResourceId::parse(form.raw("resource"));
    let named = match (chosen, review) {
        (Some(id), None) => Some(resource(cx, id)?),
        // Where it has left its catalog meanwhile, the review ends when it is to start.
        (Some(id), Some(_)) => resource(cx, id).ok(),
        (None, _) => None,
    };
    if let Some(there) = &named
        && all.iter().all(|(id, ..)| *id != there.id)
    {
        all.insert(0, (there.id, there.name.clone(), there.target.clone()));
    }
    let choice = |value: String, label: String, chosen: &str| Choice {
        on: value == chosen,
        hint: String::new(),
        value,
        label,
    };
    let mut list = Vec::new();
    if me.administrator {
        list.push(choice(String::new(), "Every catalog".into(), form.raw("catalog")));
    }
    for (id, name) in catalogs {
        if me.administrator || me.owns.contains(&id) {
            list.push(choice(id.to_string(), name, form.raw("catalog")));
        }
    }
    let resources = all.into_iter().map(|(id, name, place)| {
        choice(id.to_string(), format!("{name} ({place})"), form.raw("resource"))
    });
    let resources = std::iter::once(choice(String::new(), "None".into(), form.raw("resource")))
        .chain(resources)
        .collect();
    let in_groups = |chosen: &str| -> Vec<Choice> {
        let all = groups.iter().map(|g| choice(g.id.to_string(), g.name.clone(), chosen));
        std::iter::once(choice(String::new(), "No group".into(), chosen)).chain(all).collect()
    };
    let in_group = in_groups(form.raw("group"));
    let stage = |(number, nth, before): (&'static str, &'static str, &'static str)| {
        let kind = form.raw(&format!("reviewers{number}"));
        let kinds = [
            ("", "Nobody"),
            ("manager", "The manager of each person"),
            ("owners", "The owners of the catalog"),
            ("named", "The people and the group below"),
        ];
        let gets = form.all(&format!("gets{number}"));
        let goes = |(one, label): (GoesOn, &str)| Choice {
            on: gets.iter().any(|chosen| chosen == one.as_str()),
            hint: String::new(),
            value: one.as_str().to_owned(),
            label: label.to_owned(),
        };
        StageFields {
            number,
            nth,
            before,
            on: !kind.is_empty(),
            kinds: kinds.map(|(value, label)| choice(value.into(), label.into(), kind)).into(),
            groups: in_groups(form.raw(&format!("group{number}"))),
            gets: [
                (GoesOn::Removed, "What is to be removed"),
                (GoesOn::Kept, "What is to be kept"),
                (GoesOn::Unknown, "What they did not know"),
            ]
            .map(goes)
            .into(),
        }
    };
    let stages = LATER.map(stage).into();
    let rhythm = |rhythm: Rhythm| {
        let label = match rhythm {
            Rhythm::Once => "Once",
            Rhythm::Weekly => "Every week",
            Rhythm::Monthly => "Every month",
            Rhythm::Quarterly => "Every three months",
            Rhythm::HalfYearly => "Every six months",
            Rhythm::Yearly => "Every year",
        };
        choice(rhythm.as_str().into(), label.into(), form.raw("rhythm"))
    };
    let title = match review {
        None => "Set up a review – Reviews".to_owned(),
        Some(_) => format!("Change {} – Reviews", form.raw("name")),
    };
    let mut shell = cx.shell(title, Place::Reviews)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let shown = DefinePage {
        shell,
        review,
        catalogs: list,
        groups: in_group,
        resource: named.filter(|_| review.is_some()).map(|there| there.name),
        resources,
        rhythms: Rhythm::ALL.iter().copied().map(rhythm).collect(),
        today: cx.zone().date(cx.now()).to_string(),
        listed: review.is_some() && form.raw("source") == "list",
        policy,
        stages,
        form,
        preview,
    };
    Ok(Reply::page(&shown)?.status(if errors.is_empty() { 200 } else { 422 }))
}

/// The words of a list that somebody typed: separated by commas or lines.
fn list(text: &str) -> Vec<String> {
    let words = text.split([',', '\n', ';']).map(str::trim).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// What a form means, and what is wrong with it, by field.
fn read(cx: &Cx, form: &Form, there: Option<&Review>) -> Result<(NewReview, Vec<FieldError>)> {
    let mut errors = Vec::new();
    let under = match PolicyId::parse(form.raw("policy")) {
        Some(id) if there.is_none() => Some(under_policy(cx, id)?),
        _ => None,
    };
    let of = match (there, form.raw("source"), ResourceId::parse(form.raw("resource"))) {
        (None, "resource", Some(id)) => Some(resource(cx, id)?),
        (None, "resource", None) => {
            errors.push(FieldError::new("resource", "Choose a group or application"));
            None
        }
        _ => None,
    };
    let catalog = match (there, &under, &of) {
        (Some(review), ..) => review.terms.scope.catalog.as_ref().map(|catalog| catalog.id),
        (None, _, Some(of)) => Some(of.catalog),
        (None, Some(under), None) => Some(under.catalog),
        (None, None, None) => CatalogId::parse(form.raw("catalog")),
    };
    may(cx, catalog)?;
    let me = cx.person()?.clone();
    if catalog.is_none() && !me.administrator {
        // Nothing of other catalogs is looked up for them.
        return Err(Error::invalid("catalog", "Choose one of your catalogs"));
    }
    let new = cx.read(|db| {
        let named = match catalog {
            Some(id) => Some(Named { id, name: crate::catalogs::store::catalog(db, id)?.name }),
            None => None,
        };
        let (source, rows) = match &of {
            Some(of) => (of_resource(of), vec![]),
            None => source((db, cx.zone()), form, there, &mut errors)?,
        };
        // What a policy's review is about stays: another policy gets a review of its own.
        let (policy, only) = match (there, &under) {
            (Some(review), _) if review.terms.scope.policy.is_some() => {
                (review.terms.scope.policy.clone(), review.terms.scope.packages.clone())
            }
            (_, Some(under)) => (Some(under.policy.clone()), vec![under.package.clone()]),
            _ => (None, packages(db, form, catalog, &mut errors)?),
        };
        let departments = list(&form.text("departments"));
        let known = directory::store::departments(db, &departments)?;
        if let Some(name) = departments.iter().find(|name| !known.contains(name)) {
            let words = format!("Nobody is in a department called {name}");
            errors.push(FieldError::new("departments", words));
        }
        let scope = Scope {
            source,
            packages: only,
            policy,
            departments,
            guests_only: form.has("guests"),
            high_risk_only: form.has("risky"),
            catalog: named,
        };
        let reviewers = reviewers(db, form, "", &mut errors)?;
        let fallback = people(db, form, "fallback", &mut errors)?;
        let first = day(&form.line("first"));
        if first.is_none() {
            errors.push(FieldError::new("first", "Choose the first day, as year-month-day"));
        }
        let days = form.line("days").parse::<u32>();
        if days.is_err() {
            errors.push(FieldError::new("days", "Write a number of days"));
        }
        let terms = Terms {
            scope,
            reviewers,
            fallback,
            rhythm: Rhythm::parse(form.raw("rhythm")).unwrap_or(Rhythm::Once),
            first: first.unwrap_or_default(),
            days: days.unwrap_or(1),
            silence: Silence::parse(form.raw("silence")).unwrap_or(Silence::Keep),
            recommends: form.has("recommends"),
            reasons: form.has("reasons"),
            at_once: form.has("at_once"),
            words: form.text("words"),
            then: stages(db, form, &mut errors)?,
        };
        Ok(NewReview {
            id: there.map_or_else(
                || ReviewId::parse(form.raw("key")).unwrap_or_else(ReviewId::fresh),
                |review| review.id,
            ),
            name: form.line("name"),
            catalog: there.map_or(catalog, |review| review.catalog),
            terms,
            rows,
        })
    })?;
    Ok((new, errors))
}

/// A target system says who has it.
fn of_resource(there: &Resource) -> Source {
    Source::Resource {
        resource: Named { id: there.id, name: there.name.clone() },
        target: there.target.clone(),
    }
}

/// Where it is known from who holds what; the lines of a list that is put in.
fn source(
    (db, zone): (&mut Db, Zone),
    form: &Form,
    there: Option<&Review>,
    errors: &mut Vec<FieldError>,
) -> Result<(Source, Vec<NewRow>)> {
    let old = there.map(|review| &review.terms.scope.source);
    let text = form.raw("list");
    match old {
        Some(old @ Source::List { .. }) if text.trim().is_empty() => {
            return Ok((old.clone(), vec![]));
        }
        Some(old @ Source::Resource { .. }) => return Ok((old.clone(), vec![])),
        None if form.raw("source") == "list" => {}
        Some(Source::List { .. }) => {}
        None | Some(Source::Assignments) => return Ok((Source::Assignments, vec![])),
    }
    let put_in = match lists::read(text) {
        Ok(lines) => {
            let mut who: Vec<String> = lines.iter().map(|line| line.who.clone()).collect();
            who.sort_unstable();
            who.dedup();
            let meant = store::rows::meant(db, &who)?;
            lists::rows(&lines, &meant, form.has("leave_out"), zone).map(|rows| (lines, rows))
        }
        Err(problems) => Err(problems),
    };
    match put_in {
        Ok((lines, rows)) => {
            // A list that is sent twice is one list.
            let key = if there.is_some() { "list_key" } else { "key" };
            let id = ReviewListId::parse(form.raw(key)).unwrap_or_else(ReviewListId::fresh);
            Ok((lists::source(id, &lines, &rows), rows))
        }
        Err(problems) => {
            let wrong = |problem| FieldError::new("list", capital(&format!("{problem}")));
            errors.extend(problems.iter().map(wrong));
            Ok((Source::Assignments, vec![]))
        }
    }
}

fn packages(
    db: &mut Db,
    form: &Form,
    catalog: Option<CatalogId>,
    errors: &mut Vec<FieldError>,
) -> Result<Vec<Named<PackageId>>> {
    let wanted = list(&form.text("packages"));
    let mut found = Vec::new();
    for name in wanted {
        let key = crate::kernel::text::folded(&name);
        match crate::packages::store::named(db, catalog, &key)?.as_slice() {
            [(id, name)] => found.push(Named { id: *id, name: name.clone() }),
            [] => errors.push(FieldError::new(
                "packages",
                format!("There is no access package called {name} here"),
            )),
            _ => errors.push(FieldError::new(
                "packages",
                format!("Several access packages are called {name}: choose their catalog first"),
            )),
        }
    }
    Ok(found)
}

/// The stages after the first one; a third one without a second one is the second one.
fn stages(db: &mut Db, form: &Form, errors: &mut Vec<FieldError>) -> Result<Vec<Stage>> {
    let mut all = Vec::new();
    for (number, ..) in LATER {
        let name = |field: &str| format!("{field}{number}");
        if form.raw(&name("reviewers")).is_empty() {
            continue;
        }
        let days = form.line(&name("days")).parse::<u32>();
        if days.is_err() {
            errors.push(FieldError::new(name("days"), "Write a number of days"));
        }
        all.push(Stage {
            reviewers: reviewers(db, form, number, errors)?,
            days: days.unwrap_or(1),
            gets: form.all(&name("gets")).iter().filter_map(|one| GoesOn::parse(one)).collect(),
            shows: form.has(&name("shows")),
        });
    }
    Ok(all)
}

/// Who answers in the stage whose fields' names have this end.
fn reviewers(
    db: &mut Db,
    form: &Form,
    number: &str,
    errors: &mut Vec<FieldError>,
) -> Result<Reviewers> {
    let name = |field: &str| format!("{field}{number}");
    Ok(match form.raw(&name("reviewers")) {
        "self" => Reviewers::Own,
        "owners" => Reviewers::Owners,
        "named" => {
            let mut groups = Vec::new();
            if let Some(id) = GroupId::parse(form.raw(&name("group"))) {
                let group = directory::store::group(db, id)?;
                groups.push(Named { id, name: group.name });
            }
            Reviewers::Named { people: people(db, form, &name("people"), errors)?, groups }
        }
        _ => Reviewers::Manager,
    })
}

fn people(
    db: &mut Db,
    form: &Form,
    field: &str,
    errors: &mut Vec<FieldError>,
) -> Result<Vec<Named<crate::kernel::PersonId>>> {
    let mut found = Vec::new();
    for who in list(&form.text(field)) {
        match meant(db, field, &who, NOBODY)? {
            Ok((id, name)) => found.push(Named { id, name }),
            Err(mut error) => {
                error.text = format!("{who}: {}", error.text);
                errors.push(error);
            }
        }
    }
    Ok(found)
}

pub(super) fn create(cx: &mut Cx) -> Result<Reply> {
    step(cx, None)
}

pub(super) fn change(cx: &mut Cx) -> Result<Reply> {
    let review = managed(cx)?;
    step(cx, Some(&review))
}

/// Shows what it will say, or saves it.
fn step(cx: &mut Cx, there: Option<&Review>) -> Result<Reply> {
    let form = cx.form().clone();
    let id = there.map(|review| review.id);
    let (new, mut errors) = match read(cx, &form, there) {
        Ok(read) => read,
        Err(Error::Invalid(errors)) => return draw(cx, id, form, &errors, None),
        Err(error) => return Err(error),
    };
    let changes = there.is_some();
    if !errors.is_empty() {
        // Everything that is wrong is said at once: also what the rules say of the fields that could be read.
        let read = new.clone();
        let rules = cx.write(move |tx| commands::rehearse(tx, changes, &read));
        if let Err(Error::Invalid(more)) = rules {
            let unsaid = |one: &FieldError| errors.iter().all(|error| error.field != one.field);
            let more: Vec<FieldError> = more.into_iter().filter(unsaid).collect();
            errors.extend(more);
        }
        return draw(cx, id, form, &errors, None);
    }
    if form.raw("step") == "edit" {
        return draw(cx, id, form, &[], None);
    }
    let (saved, rev) = (new.clone(), form.raw("rev").parse::<i64>().unwrap_or(0));
    let preview = form.raw("step") != "save";
    let done = cx.write(move |tx| {
        let permit = policy::manage_review(tx.actor(), saved.catalog)?;
        let save = |tx: &mut crate::db::Tx<'_>| match changes {
            false => commands::create(tx, &permit, &saved),
            true => commands::change(tx, &permit, &saved, rev),
        };
        if preview { commands::rehearse(tx, changes, &saved) } else { save(tx).map(|_| None) }
    });
    match done {
        Err(Error::Invalid(errors)) => draw(cx, id, form, &errors, None),
        Err(error) => Err(error),
        Ok(held) if preview => {
            let held = match held {
                Some(n) => {
                    format!("If it started now, it would hold {}.", counted(n, "item", "items"))
                }
                None => "How much it holds, the target system says when it starts.".to_owned(),
            };
            let today = cx.zone().date(cx.now());
            let at_once = id.is_none() && new.terms.first <= today;
            let preview = Preview { reads: reads::sentences(&new.terms), held, at_once };
            draw(cx, id, form, &[], Some(preview))
        }
        Ok(_) => Ok(Reply::see_other(format!("/reviews/definitions/{}", new.id))
            .notice("Saved.", "It reads as below.")),
    }
}

/// The review of the address, if the reader may change it.
fn managed(cx: &Cx) -> Result<Review> {
    let review = seen(cx)?;
    policy::manage_review(cx.actor().ok_or(Error::Missing)?, review.catalog)?;
    Ok(review)
}

/// The review of the address, if the reader may see it.
fn seen(cx: &Cx) -> Result<Review> {
    let id: ReviewId = cx.id("id")?;
    let review = cx.read(|db| store::review(db, id))?;
    let standing = policy::ReviewStanding {
        instance: ReviewInstanceId(uuid::Uuid::nil()),
        catalog: review.catalog,
    };
    policy::see_review(cx.actor().ok_or(Error::Missing)?, &standing)?;
    Ok(review)
}

pub(super) fn edit(cx: &mut Cx) -> Result<Reply> {
    let review = managed(cx)?;
    let form = match cx.refill() {
        Some(form) => form,
        None => form_of(&review),
    };
    draw(cx, Some(review.id), form, &[], None)
}

fn form_of(review: &Review) -> Form {
    let terms = &review.terms;
    let mut pairs = vec![
        ("name".to_owned(), review.name.clone()),
        ("rev".to_owned(), review.rev.to_string()),
        ("list_key".to_owned(), ReviewListId::fresh().to_string()),
        ("rhythm".to_owned(), terms.rhythm.as_str().to_owned()),
        ("first".to_owned(), terms.first.to_string()),
        ("days".to_owned(), terms.days.to_string()),
        ("silence".to_owned(), terms.silence.as_str().to_owned()),
        ("words".to_owned(), terms.words.clone()),
        ("departments".to_owned(), terms.scope.departments.join("\n")),
    ];
    fn names<I>(all: &[Named<I>]) -> String {
        all.iter().map(|one| one.name.clone()).collect::<Vec<_>>().join("\n")
    }
    pairs.push(("packages".to_owned(), names(&terms.scope.packages)));
    pairs.push(("fallback".to_owned(), names(&terms.fallback)));
    if let Some(policy) = &terms.scope.policy {
        pairs.push(("policy".to_owned(), policy.id.to_string()));
    }
    if let Some(catalog) = &terms.scope.catalog {
        pairs.push(("catalog".to_owned(), catalog.id.to_string()));
    }
    let stages = terms.then.iter().map(|stage| &stage.reviewers);
    for (number, reviewers) in
        ["", "2", "3"].iter().zip(std::iter::once(&terms.reviewers).chain(stages))
    {
        let kind = match reviewers {
            Reviewers::Own => "self",
            Reviewers::Manager => "manager",
            Reviewers::Owners => "owners",
            Reviewers::Named { people, groups } => {
                pairs.push((format!("people{number}"), names(people)));
                if let Some(group) = groups.first() {
                    pairs.push((format!("group{number}"), group.id.to_string()));
                }
                "named"
            }
        };
        pairs.push((format!("reviewers{number}"), kind.to_owned()));
    }
    for ((number, ..), stage) in LATER.iter().zip(&terms.then) {
        pairs.push((format!("days{number}"), stage.days.to_string()));
        pairs.extend(stage.gets.iter().map(|g| (format!("gets{number}"), g.as_str().to_owned())));
        if stage.shows {
            pairs.push((format!("shows{number}"), "yes".to_owned()));
        }
    }
    match &terms.scope.source {
        Source::Assignments => {}
        Source::List { .. } => pairs.push(("source".to_owned(), "list".to_owned())),
        Source::Resource { resource, .. } => {
            pairs.push(("source".to_owned(), "resource".to_owned()));
            pairs.push(("resource".to_owned(), resource.id.to_string()));
        }
    }
    let switches = [
        ("guests", terms.scope.guests_only),
        ("risky", terms.scope.high_risk_only),
        ("recommends", terms.recommends),
        ("reasons", terms.reasons),
        ("at_once", terms.at_once),
    ];
    pairs.extend(
        switches.iter().filter(|(_, on)| *on).map(|(name, _)| ((*name).into(), "yes".into())),
    );
    Form::of(pairs)
}

#[derive(Template)]
#[template(path = "reviews/definition.html")]
struct DefinitionPage {
    shell: Shell,
    id: ReviewId,
    name: String,
    mark: Mark,
    reads: Vec<String>,
    words: String,
    next: Option<When>,
    ended: bool,
    runs: bool,
    /// True while an instance is not closed for good.
    running: bool,
    instances: Vec<InstanceRow>,
}

struct InstanceRow {
    href: String,
    run: String,
    started: When,
    mark: Mark,
    items: i64,
    answered: i64,
    silent: i64,
    removed: i64,
    together: i64,
    /// The median of the seconds that an answer took.
    pace: Option<i64>,
    /// Shares of removed and silent items, in hundredths, for the chart.
    bars: (i64, i64),
}

/// As many runs as the page shows.
const RUNS: i64 = 12;

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let review = seen(cx)?;
    let runs = policy::manage_review(cx.actor().ok_or(Error::Missing)?, review.catalog).is_ok();
    let (instances, counts) = cx.read(|db| {
        let all = store::instances_of(db, review.id, RUNS)?;
        let ids: Vec<ReviewInstanceId> = all.iter().map(|instance| instance.id).collect();
        let counts = listing::counts_of(db, &ids)?;
        Ok((all, counts))
    })?;
    let (now, zone) = (cx.now(), cx.zone());
    let mark = review_mark(&review, instances.first());
    let row = |instance: &crate::reviews::model::Instance| {
        let counts = counts.get(&instance.id).copied().unwrap_or_default();
        let all = (counts.answered + counts.silent).max(1);
        let removed = counts.confirmed + counts.waiting + counts.failed;
        InstanceRow {
            href: format!("/reviews/{}/progress", instance.id),
            run: ordinal(instance.number),
            started: When::at(instance.starts_at, now, zone),
            mark: outcome_mark(instance.state, counts.failed),
            items: instance.item_count,
            answered: counts.answered,
            silent: counts.silent,
            removed,
            together: counts.together,
            pace: instance.pace.filter(|seconds| *seconds > 0),
            bars: (removed * 100 / all, counts.silent * 100 / all),
        }
    };
    let shown = DefinitionPage {
        shell: cx.shell(format!("{}, what it says – Reviews", review.name), Place::Reviews)?,
        id: review.id,
        name: review.name.clone(),
        mark,
        reads: reads::sentences(&review.terms),
        words: review.terms.words.clone(),
        next: review.next_at.map(|at| When::start(at, now, zone)),
        ended: review.ended_at.is_some(),
        runs,
        running: instances.first().is_some_and(|newest| newest.state.runs()),
        instances: instances.iter().map(row).collect(),
    };
    Reply::page(&shown)
}

/// Says what ending it does, before it happens.
#[derive(Template)]
#[template(path = "reviews/ending.html")]
struct EndPage {
    shell: Shell,
    id: ReviewId,
    name: String,
    next: Option<When>,
    running: bool,
}

pub(super) fn ending(cx: &mut Cx) -> Result<Reply> {
    let review = managed(cx)?;
    let id = review.id;
    if review.ended_at.is_some() {
        return Ok(Reply::see_other(format!("/reviews/definitions/{id}")));
    }
    let newest = cx.read(|db| store::instances_of(db, id, 1))?;
    let shown = EndPage {
        shell: cx.shell(format!("End {} – Reviews", review.name), Place::Reviews)?,
        id,
        next: review.next_at.map(|at| When::start(at, cx.now(), cx.zone())),
        running: newest.iter().any(|one| one.state.runs()),
        name: review.name,
    };
    Reply::page(&shown)
}

pub(super) fn end(cx: &mut Cx) -> Result<Reply> {
    let review = managed(cx)?;
    let (id, catalog) = (review.id, review.catalog);
    cx.write(move |tx| {
        let permit = policy::manage_review(tx.actor(), catalog)?;
        commands::end(tx, &permit, id)
    })?;
    Ok(Reply::see_other(format!("/reviews/definitions/{id}"))
        .notice("Ended.", "It does not start any more. A run that is open goes on."))
}

pub(super) fn start(cx: &mut Cx) -> Result<Reply> {
    let review = managed(cx)?;
    let (id, catalog) = (review.id, review.catalog);
    cx.write(move |tx| {
        let permit = policy::manage_review(tx.actor(), catalog)?;
        commands::start_now(tx, &permit, id)
    })?;
    Ok(Reply::see_other(format!("/reviews/definitions/{id}"))
        .notice("Starting.", "The reviewers are asked as soon as the list is complete."))
}
