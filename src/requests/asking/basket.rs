//! The basket: several packages for one person, one reason, one button. Each becomes a request with its own reference.

use askama::Template;

use super::{Case, case};
use crate::access::policy::{self, AskStanding, request_access};
use crate::error::{Error, FieldError, Result};
use crate::kernel::text::counted;
use crate::kernel::{BasketId, PackageId, PersonId, PolicyId, RequestId, Ts};
use crate::policies::model::Policy;
use crate::policies::questions::Question;
use crate::requests::commands::{self, Basket, Item, Submit};
use crate::requests::drafts::{self, Draft};
use crate::requests::eligibility::{self, No, Position};
use crate::requests::forms::AskForm;
use crate::requests::rules::Period;
use crate::requests::{store, veil, words};
use crate::web::page::Mark;
use crate::web::words::{capital, number};
use crate::web::{Cx, Place, Reply, Shell};

#[derive(Template)]
#[template(path = "requests/basket.html")]
struct BasketPage {
    shell: Shell,
    action: String,
    /// Drawn with the page (C4).
    key: String,
    /// The name of somebody else for whom it is.
    other: Option<String>,
    /// The baskets for others: address, name, how many.
    others: Vec<(String, String, String)>,
    ready: Vec<Line>,
    waits: Vec<Line>,
    left: Vec<Line>,
    reason: String,
    reason_optional: bool,
    /// "Send two requests".
    button: String,
}

/// One package in the basket.
struct Line {
    /// The id of its place on the page.
    id: String,
    name: String,
    href: String,
    /// Puts it into the basket or takes it out.
    put: String,
    /// What the form carries of it.
    value: String,
    /// What is said of it: the period, what is missing, or why not.
    says: Vec<String>,
    /// The reason of its own.
    reason: String,
    mark: Option<Mark>,
    /// What is to be done with it.
    way: Option<(String, &'static str)>,
}

/// What becomes of a package in the basket.
enum Fate<'a> {
    /// It can be sent.
    Ready(&'a Policy, Period),
    /// Something is missing.
    Waits(Vec<String>, &'static str),
    /// It cannot be requested.
    Left(Mark),
}

/// Everything that the page shows for one person.
struct Filled {
    me: PersonId,
    target: PersonId,
    /// Of everybody.
    drafts: Vec<Draft>,
    positions: Vec<Position>,
    attributes: Vec<(PackageId, String, Vec<Question>)>,
}

impl Filled {
    fn read(cx: &Cx) -> Result<Self> {
        let (me, target) = (cx.person()?.id, case::target(cx)?);
        cx.read(|db| {
            let drafts = drafts::basket(db, me)?;
            let ids: Vec<PackageId> =
                drafts.iter().filter(|d| d.target == target).map(|d| d.package).collect();
            if ids.is_empty() {
                let (positions, attributes) = (vec![], vec![]);
                return Ok(Self { me, target, drafts, positions, attributes });
            }
            let positions = eligibility::positions(db, me, target, &ids)?;
            let attributes = store::attributes_of(db, &ids)?;
            Ok(Self { me, target, drafts, positions, attributes })
        })
    }

    fn mine(&self) -> impl Iterator<Item = &Draft> {
        self.drafts.iter().filter(|draft| draft.target == self.target)
    }

    fn fate<'a>(&'a self, cx: &Cx, draft: &Draft, reason: &str) -> Fate<'a> {
        let gone = || Fate::Left(Mark::new("stop", "bar", "You cannot request it any more"));
        let Some(position) = self.positions.iter().find(|p| p.package == draft.package) else {
            return gone();
        };
        let may = cx.actor().is_some_and(|a| request_access(a, &position.standing()).is_ok());
        if !may || !position.visible() {
            return gone();
        }
        if !position.open() {
            return Fate::Left(self.why_not(cx, position));
        }
        let policy = match position.applicable.as_slice() {
            [only] => Some(&only.policy),
            several => several
                .iter()
                .map(|a| &a.policy)
                .find(|policy| Some(policy.id) == draft.form.policy),
        };
        let Some(policy) = policy else {
            let words = "More than one policy lets you request it: they differ in who decides.";
            return Fate::Waits(vec![words.to_owned()], "Choose the policy");
        };
        if draft.form.version.is_some_and(|seen| seen != policy.version) {
            let words = "Its policy has changed since you put it in.";
            return Fate::Waits(vec![words.to_owned()], "Read it again");
        }
        let of_it = self.attributes.iter().filter(|(package, ..)| *package == draft.package);
        let attributes: Vec<_> =
            of_it.map(|(_, name, asked)| (name.clone(), asked.clone())).collect();
        // What is missing of the reason is said beside the one reason of the basket.
        let with_reason = with_reason(&draft.form, reason);
        let with_reason = match with_reason.reason.is_empty() {
            true => AskForm { reason: "to be written".into(), ..with_reason },
            false => with_reason,
        };
        match with_reason.checked(&policy.terms, &attributes, cx.now(), cx.zone()) {
            Ok((period, _)) => Fate::Ready(policy, period),
            Err(errors) => {
                let words = errors.into_iter().map(|error| error.text).collect();
                Fate::Waits(words, "Answer its questions")
            }
        }
    }

    fn why_not(&self, cx: &Cx, position: &Position) -> Mark {
        let other = (self.me != self.target).then_some(position.target.name.as_str());
        let standing = position.standing_of_target();
        match &position.no {
            Some(No::Holds { .. } | No::Open { .. }) => {
                crate::packages::words::mark_for(other, &standing, &[], cx.now(), cx.zone())
            }
            Some(no) => Mark::new("stop", "bar", capital(no.words())),
            None => Mark::new("stop", "bar", "You cannot request it"),
        }
    }
}

/// The form with the reason of the basket, where it has none of its own.
fn with_reason(form: &AskForm, reason: &str) -> AskForm {
    let own = !form.reason.is_empty();
    let reason = if own { form.reason.clone() } else { reason.to_owned() };
    AskForm { reason, ..form.clone() }
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let filled = Filled::read(cx)?;
    draw(cx, &filled, BasketId::fresh(), "", &[])
}

fn draw(
    cx: &Cx,
    filled: &Filled,
    key: BasketId,
    reason: &str,
    errors: &[FieldError],
) -> Result<Reply> {
    let other = match filled.me == filled.target {
        true => None,
        false => match filled.mine().next() {
            Some(draft) => Some(draft.target_name.clone()),
            // Whoever has nothing in the basket is not named.
            None => return Ok(Reply::see_other("/basket")),
        },
    };
    let (mut ready, mut waits, mut left) = (vec![], vec![], vec![]);
    let mut needed = false;
    let query = case::query(filled.me, filled.target);
    for draft in filled.mine() {
        let package = format!("/packages/{}", draft.package);
        let form = format!("{package}/request{query}");
        let mut line = Line {
            id: format!("item-{}", draft.package),
            name: draft.package_name.clone(),
            href: format!("{package}{query}"),
            put: format!("{package}/request/basket{query}"),
            value: String::new(),
            says: vec![],
            reason: draft.form.reason.clone(),
            mark: None,
            way: None,
        };
        match filled.fate(cx, draft, reason) {
            Fate::Ready(policy, period) => {
                needed |= policy.terms.reason_required && draft.form.reason.is_empty();
                line.value = Ordered { package: draft.package, policy, kept: draft.at }.written();
                let first = words::first_day(&policy.terms, period, cx.zone());
                let last = words::last_day(&policy.terms, period, cx.now(), cx.zone());
                line.says =
                    vec![format!("From: {}", first.to_lowercase()), format!("Until: {last}")];
                line.way = Some((form, "Change"));
                ready.push(line);
            }
            Fate::Waits(says, label) => {
                line.says = says;
                line.way = Some((form, label));
                waits.push(line);
            }
            Fate::Left(mark) => {
                line.mark = Some(mark);
                left.push(line);
            }
        }
    }
    let many = i64::try_from(ready.len()).unwrap_or(i64::MAX);
    let title = match &other {
        Some(name) => format!("Basket for {name} – Browse"),
        None => "Basket – Browse".to_owned(),
    };
    let page = BasketPage {
        shell: cx.shell(title, Place::Browse)?.with_errors(errors),
        action: format!("/basket{query}"),
        key: key.to_string(),
        others: others(filled),
        other,
        ready,
        waits,
        left,
        reason: reason.to_owned(),
        reason_optional: !needed,
        button: match many {
            1 => "Send request".to_owned(),
            n => format!("Send {} requests", number(n)),
        },
    };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

/// The baskets for other people than the one that is shown.
fn others(filled: &Filled) -> Vec<(String, String, String)> {
    let mut all: Vec<(PersonId, &str, i64)> = Vec::new();
    for draft in filled.drafts.iter().filter(|draft| draft.target != filled.target) {
        match all.iter_mut().find(|(id, ..)| *id == draft.target) {
            Some((.., n)) => *n += 1,
            None => all.push((draft.target, &draft.target_name, 1)),
        }
    }
    let each = all.into_iter().map(|(id, name, n)| {
        let name = if id == filled.me { "you".to_owned() } else { name.to_owned() };
        let href = format!("/basket{}", case::query(filled.me, id));
        (href, name, counted(n, "access package", "access packages"))
    });
    each.collect()
}

/// An item as the page's form carries it: what was shown is what is sent.
struct Ordered<'a> {
    package: PackageId,
    policy: &'a Policy,
    kept: Ts,
}

impl Ordered<'_> {
    fn written(&self) -> String {
        let Self { package, policy, kept } = self;
        format!("{package} {} {} {}", policy.id, policy.version, kept.micros())
    }
}

/// What [`Ordered`] wrote.
fn read_ordered(text: &str) -> Option<(PackageId, PolicyId, i64, Ts)> {
    let mut parts = text.split(' ');
    let package = parts.next()?.parse().ok()?;
    let policy = parts.next()?.parse().ok()?;
    let version = parts.next()?.parse().ok()?;
    let kept = parts.next()?.parse().ok()?;
    Some((package, policy, version, Ts::from_micros(kept)))
}

pub(super) fn send(cx: &mut Cx) -> Result<Reply> {
    let filled = Filled::read(cx)?;
    let key = BasketId::parse(cx.form().raw("key")).unwrap_or_else(BasketId::fresh);
    let reason = cx.form().text("reason");
    let mut items: Vec<Item> = Vec::new();
    for text in cx.form().all("item").iter().take(drafts::BASKET_MAX) {
        let Some((package, policy, version, kept)) = read_ordered(text) else { continue };
        if items.iter().any(|item| item.submit.package == package) {
            continue;
        }
        items.push(item(cx, &filled, &reason, (package, policy, version, kept)));
    }
    if items.is_empty() {
        let error = FieldError::new("", "Nothing in the basket can be sent yet");
        return empty_handed(cx, &filled, key, &reason, error);
    }
    let basket = Basket { id: key, items };
    let (me, target) = (filled.me, filled.target);
    let sent = cx.write(move |tx| {
        let standing = standing(tx, me, target, &basket)?;
        let permit = policy::request_access(tx.actor(), &standing)?;
        commands::send(tx, &permit, &basket)
    });
    match sent {
        Ok(ids) => {
            let n = i64::try_from(ids.len()).unwrap_or(i64::MAX);
            let strong = if n == 1 { "Request sent." } else { "Requests sent." };
            let text = "Each has a reference of its own. Bookmark or print this page.";
            Ok(Reply::see_other(format!("/basket/{key}")).notice(strong, text))
        }
        Err(Error::Invalid(errors)) => {
            let filled = Filled::read(cx)?;
            draw(cx, &filled, key, &reason, &errors)
        }
        Err(other) => Err(other),
    }
}

/// The page again, or on to the empty basket where there is nothing to show.
fn empty_handed(
    cx: &Cx,
    filled: &Filled,
    key: BasketId,
    reason: &str,
    error: FieldError,
) -> Result<Reply> {
    if filled.mine().next().is_none() {
        return Ok(Reply::see_other("/basket"));
    }
    draw(cx, filled, key, reason, &[error])
}

/// An item as it is sent: as its draft says, with the basket's reason where it has none.
fn item(
    cx: &Cx,
    filled: &Filled,
    reason: &str,
    (package, policy, version, kept): (PackageId, PolicyId, i64, Ts),
) -> Item {
    let Some(draft) = filled.mine().find(|draft| draft.package == package) else {
        // Sent already, or taken out: the command says which.
        return Item { submit: Submit::of(package), name: "An access package".into(), kept };
    };
    let form = with_reason(&draft.form, reason);
    // A day that cannot be read is asked for as one that no rule allows: the command says what to mend.
    let never = Period { starts: Some(Ts::from_micros(0)), ends: None };
    let submit = Submit {
        id: form.key,
        policy: Some(policy),
        version: Some(version),
        period: form.period(cx.zone()).unwrap_or(never),
        reason: form.reason,
        answers: form.answers,
        previous: form.again,
        ..Submit::of(package)
    };
    Item { submit, name: draft.package_name.clone(), kept }
}

/// How the one who asks stands to the target: a policy of every item must let them.
fn standing(
    tx: &mut crate::db::Tx<'_>,
    me: PersonId,
    target: PersonId,
    basket: &Basket,
) -> Result<AskStanding> {
    if me == target {
        return Ok(AskStanding::own(target));
    }
    let ids: Vec<PackageId> = basket.items.iter().map(|item| item.submit.package).collect();
    let all = eligibility::positions(tx.db(), me, target, &ids)?;
    let named = !all.is_empty() && all.iter().all(|position| position.standing().named);
    let manager = all.first().and_then(|position| position.target.manager);
    Ok(AskStanding { target, manager, named })
}

/// Puts a package into the basket as it is, or takes it out.
pub(super) fn put(cx: &mut Cx) -> Result<Reply> {
    let id: PackageId = cx.id("id")?;
    let target = case::target(cx)?;
    if cx.form().has("out") {
        let kept = cx.write(move |tx| commands::take_out(tx, target, id))?;
        let text = if kept { "What you had filled in is kept under Requests." } else { "" };
        let back = format!("/basket{}", case::query(cx.person()?.id, target));
        return Ok(Reply::see_other(back).notice("Taken out.", text));
    }
    let case = Case::open(cx, id)?;
    if !case.ask.open() {
        return Err(case.refusal().into());
    }
    let form = case.draft.as_ref().map_or_else(AskForm::fresh, |draft| draft.form.clone());
    let policy = case.choose(&form);
    let form = AskForm {
        policy: policy.map(|policy| policy.id),
        version: form.version.or(policy.map(|policy| policy.version)),
        ..form
    };
    super::keep(cx, &case, &form, Some(true))?;
    Ok(put_in(&case))
}

/// On to the basket that the package has just gone into.
pub(super) fn put_in(case: &Case) -> Reply {
    let to = format!("/basket{}", case::query(case.requestor(), case.target().id));
    Reply::see_other(to).notice(
        "In your basket.",
        format!("{} is not requested before you send the basket.", case.name()),
    )
}

#[derive(Template)]
#[template(path = "requests/sent.html")]
struct SentPage {
    shell: Shell,
    heading: String,
    rows: Vec<crate::requests::pages::Line>,
}

/// What was sent together, with every reference; it can be bookmarked (D3).
pub(super) fn sent(cx: &mut Cx) -> Result<Reply> {
    let id: BasketId = cx.id("id")?;
    let me = cx.person()?.id;
    let (requests, holders) = cx.read(|db| {
        let requests = store::of_basket(db, me, id)?;
        let ids: Vec<RequestId> = requests.iter().map(|request| request.id).collect();
        let holders = veil::holders(db, cx.person()?, &ids)?;
        Ok((requests, holders))
    })?;
    let first = requests.first().ok_or(Error::Missing)?;
    let many = i64::try_from(requests.len()).unwrap_or(i64::MAX);
    let mut heading = match many {
        1 => "You sent one request".to_owned(),
        n => format!("You sent {} requests", number(n)),
    };
    if first.target_id != me {
        heading = format!("{heading} for {}", first.target);
    }
    let times =
        crate::assignments::words::Times { now: cx.now(), wall: cx.wall(), zone: cx.zone() };
    let line = |request| crate::requests::pages::line(request, &holders, me, times);
    let page = SentPage {
        shell: cx.shell(format!("{heading} – Requests"), Place::Requests)?,
        heading,
        rows: requests.iter().map(line).collect(),
    };
    Reply::page(&page)
}
