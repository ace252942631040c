//! The one policy: may this actor do this to that? Each function takes the facts it needs and nothing else.

use super::permit::{
    AnswerItem, CancelRequest, CommentRequest, CreateCatalog, DecideStage, Denied, EndForReport,
    EndStandIn, Enter, GiveInformation, ManageAssignment, ManageCatalog, ManageMail,
    ManageOrganizations, ManageReview, ManageSettings, OverruleStage, OwnAssignment, Permit,
    ReadAudit, RegisterResource, RemindApprovers, ReplyItem, RequestAccess, RevokeApproval,
    RunReview, RunSystem, SeeCatalog, SeeOrganizations, SeePerson, SeeRequest, SeeReview,
    SetStandIn, TakeBack,
};
use super::{Actor, Person, StandsFor};
use crate::kernel::{
    AssignmentId, CatalogId, Kind, PackageId, PersonId, RequestId, ReviewInstanceId, ReviewItemId,
    StandInId,
};

/// Who a route lets in before its page asks for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Anybody, signed in or not.
    Open,
    /// Anybody signed in.
    SignedIn,
    /// Auditors and administrators, where the organization's settings are.
    Settings,
    /// Somebody who looks after a catalog, an administrator or an auditor.
    Catalogs,
    /// Auditors and administrators.
    Audit,
    /// The same, where connected organizations are.
    Organizations,
    /// Administrators.
    Administrator,
    /// Anybody signed in, and only in the demo.
    Demo,
}

/// May the actor come in at all? The one gate of every route.
///
/// # Errors
/// `Forbidden` with words for a signed-in person; the caller sends others to sign in.
pub fn enter(actor: Option<&Actor>, gate: Gate) -> Result<Permit<Enter>, Denied> {
    let permit = Permit::on(uuid::Uuid::nil());
    if gate == Gate::Open {
        return Ok(permit);
    }
    let Some(person) = actor.and_then(Actor::enabled_person) else {
        return Err(Denied::Forbidden("Sign in first."));
    };
    match gate {
        Gate::Open | Gate::SignedIn | Gate::Demo => Ok(permit),
        Gate::Catalogs if person.administrator || person.auditor || !person.owns.is_empty() => {
            Ok(permit)
        }
        Gate::Catalogs => Err(Denied::Forbidden(
            "Catalogs are looked after by their owners and by administrators.",
        )),
        Gate::Audit if person.administrator || person.auditor => Ok(permit),
        Gate::Audit => Err(Denied::Forbidden("The audit log is for auditors and administrators.")),
        Gate::Settings if person.administrator || person.auditor => Ok(permit),
        Gate::Settings => Err(Denied::Forbidden(
            "The organization’s settings are for administrators and auditors.",
        )),
        Gate::Organizations => see_organizations(&Actor::Person(person.clone())).map(|_| permit),
        Gate::Administrator if person.administrator => Ok(permit),
        Gate::Administrator => Err(Denied::Forbidden("This page is for administrators.")),
    }
}

fn enabled(actor: &Actor) -> Result<&Person, Denied> {
    actor.enabled_person().ok_or(Denied::Hidden)
}

/// How an actor stands to somebody for whom they want to request. Filled by `requests::eligibility`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskStanding {
    /// For whom.
    pub target: PersonId,
    /// Their manager.
    pub manager: Option<PersonId>,
    /// True where a policy names the actor as somebody who may request for others (D46).
    pub named: bool,
}

impl AskStanding {
    /// Somebody who asks for themselves.
    #[must_use]
    pub fn own(target: PersonId) -> Self {
        Self { target, manager: None, named: false }
    }
}

/// May the actor request for the target? For themselves, for those who report to them, and for others where a policy
/// says so; which policy it is, is for the rules.
///
/// # Errors
/// `Hidden` for everybody else: who is here is not told.
pub fn request_access(
    actor: &Actor,
    standing: &AskStanding,
) -> Result<Permit<RequestAccess>, Denied> {
    let me = enabled(actor)?.id;
    if me == standing.target || standing.manager == Some(me) || standing.named {
        Ok(Permit::on(standing.target.0))
    } else {
        Err(Denied::Hidden)
    }
}

/// May the actor give this person's access back, or take it again? Only the person.
///
/// # Errors
/// `Hidden` for everybody else.
pub fn own_assignment(actor: &Actor, holder: PersonId) -> Result<Permit<OwnAssignment>, Denied> {
    if enabled(actor)?.id == holder { Ok(Permit::on(holder.0)) } else { Err(Denied::Hidden) }
}

/// How an actor stands to access of somebody who may report to them. Filled by `assignments::store`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportStanding {
    /// The assignment.
    pub assignment: AssignmentId,
    /// Who holds it.
    pub holder: PersonId,
    /// The holder's manager, as the directory says now.
    pub manager: Option<PersonId>,
    /// True where its policy lets managers ask for their reports: who may ask for it may end it.
    pub by_managers: bool,
}

/// May the actor, as the manager, end this access? Only the manager of today, where the policy leaves it to managers,
/// and never for themselves (D2).
///
/// # Errors
/// `Forbidden` where the policy does not leave it to managers, `Hidden` for everybody but the manager.
pub fn end_for_report(
    actor: &Actor,
    standing: &ReportStanding,
) -> Result<Permit<EndForReport>, Denied> {
    let person = enabled(actor)?;
    if standing.manager != Some(person.id) || standing.holder == person.id {
        return Err(Denied::Hidden);
    }
    // An auditor changes nothing, whoever reports to them (D33).
    if person.auditor && !person.administrator {
        return Err(Denied::Forbidden("Auditors read everything and change nothing."));
    }
    if standing.by_managers {
        Ok(Permit::on(standing.assignment.0))
    } else {
        Err(Denied::Forbidden("The policy of this access does not let managers end it."))
    }
}

/// May the actor have the approvers reminded? Who waits may: the requestor and the target.
///
/// # Errors
/// `Forbidden` for those who may only see it, `Hidden` for everybody else.
pub fn remind_approvers(
    actor: &Actor,
    standing: &RequestStanding,
) -> Result<Permit<RemindApprovers>, Denied> {
    let me = enabled(actor)?.id;
    if me == standing.requestor || me == standing.target {
        return Ok(Permit::on(standing.request.0));
    }
    see_request(actor, standing)?;
    Err(Denied::Forbidden("Only those who wait for it can have the approvers reminded."))
}

/// How an actor stands to a request. Filled by `requests::store`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestStanding {
    /// The request.
    pub request: RequestId,
    /// Who asked.
    pub requestor: PersonId,
    /// For whom.
    pub target: PersonId,
    /// The package's catalog.
    pub catalog: CatalogId,
    /// The package.
    pub package: PackageId,
    /// The approvers of the open stage.
    pub deciders: Vec<PersonId>,
    /// Everybody who is or was an approver of any of its stages, and who voted in somebody's place.
    pub approvers: Vec<PersonId>,
    /// Who has voted in the open stage, for themselves or in somebody's place (D37).
    pub voted: Vec<PersonId>,
    /// Who has decided another stage, where nobody decides twice (D37).
    pub earlier: Vec<PersonId>,
}

/// In whose place may this person decide the open stage (D34, D45)? Nobody's, where they may not decide at all: the
/// requestor, the target (D2), who has voted in it, and who has decided another stage of it (D37). The way from the one
/// who is away to the stand-in leads past no such person either. Of several, the first by id: one person, one vote.
#[must_use]
pub fn in_place_of<'a>(person: &'a Person, standing: &RequestStanding) -> Option<&'a StandsFor> {
    let out = |id: &PersonId| {
        *id == standing.requestor || *id == standing.target || standing.earlier.contains(id)
    };
    if !person.enabled || out(&person.id) || standing.voted.contains(&person.id) {
        return None;
    }
    let able = person.stands_for.iter().filter(|stands| {
        standing.deciders.contains(&stands.person) && stands.reaches(standing.package, out)
    });
    able.min_by_key(|stands| stands.person)
}

/// Whose row of the open stage a person acts on: their own, or that of the one in whose place they decide. Theirs, too,
/// where there is none.
#[must_use]
pub fn whose_row(person: &Person, standing: &RequestStanding) -> PersonId {
    if standing.deciders.contains(&person.id) {
        return person.id;
    }
    in_place_of(person, standing).map_or(person.id, |stands| stands.person)
}

/// May the actor set who stands in for this person? Members for themselves; administrators for a member who is away and
/// cannot. Nobody names themselves for another: that is for the rules of stand-ins (D45).
///
/// # Errors
/// `Forbidden` for guests, `Hidden` for everybody else.
pub fn set_stand_in(
    actor: &Actor,
    person: PersonId,
    kind: Kind,
) -> Result<Permit<SetStandIn>, Denied> {
    let me = enabled(actor)?;
    if me.id != person && !me.administrator {
        return Err(Denied::Hidden);
    }
    if kind != Kind::Member {
        return Err(Denied::Forbidden("Only members of the organization have a stand-in."));
    }
    Ok(Permit::on(person.0))
}

/// May the actor end a time in which somebody stands in for this person? The two may, and administrators.
///
/// # Errors
/// `Hidden` for everybody else.
pub fn end_stand_in(
    actor: &Actor,
    person: PersonId,
    stand_in: PersonId,
    id: StandInId,
) -> Result<Permit<EndStandIn>, Denied> {
    let me = enabled(actor)?;
    let ends = me.id == person || me.id == stand_in || me.administrator;
    if ends { Ok(Permit::on(id.0)) } else { Err(Denied::Hidden) }
}

/// May the actor decide the open stage? Its approvers may, and those who stand in for them (D34); never the requestor or
/// the target (D2), whatever else holds.
///
/// # Errors
/// `Forbidden` for the requestor and for approvers of other stages, `Hidden` for everybody else.
pub fn decide_stage(
    actor: &Actor,
    standing: &RequestStanding,
) -> Result<Permit<DecideStage>, Denied> {
    let person = enabled(actor)?;
    if person.id == standing.requestor || person.id == standing.target {
        return Err(Denied::Forbidden("Nobody decides on access for themselves."));
    }
    if standing.deciders.contains(&person.id) || in_place_of(person, standing).is_some() {
        return Ok(Permit::on(standing.request.0));
    }
    see_request(actor, standing)?;
    Err(Denied::Forbidden("This stage is with other approvers."))
}

/// May the actor answer what an approver asked? Who waits may: the requestor and the target.
///
/// # Errors
/// `Forbidden` for those who may only see it, `Hidden` for everybody else.
pub fn give_information(
    actor: &Actor,
    standing: &RequestStanding,
) -> Result<Permit<GiveInformation>, Denied> {
    let me = enabled(actor)?.id;
    if me == standing.requestor || me == standing.target {
        return Ok(Permit::on(standing.request.0));
    }
    see_request(actor, standing)?;
    Err(Denied::Forbidden("Only those who wait for it can answer."))
}

/// May the actor write a comment on the request? Whoever has a part in it: requestor, target, approvers, the catalog's
/// owners and administrators. Auditors read.
///
/// # Errors
/// `Forbidden` for those who may only see it, `Hidden` for everybody else.
pub fn comment_request(
    actor: &Actor,
    standing: &RequestStanding,
) -> Result<Permit<CommentRequest>, Denied> {
    let me = enabled(actor)?.id;
    let part = me == standing.requestor
        || me == standing.target
        || standing.approvers.contains(&me)
        || manage_catalog(actor, standing.catalog).is_ok();
    if part {
        return Ok(Permit::on(standing.request.0));
    }
    see_request(actor, standing)?;
    Err(Denied::Forbidden("Auditors read what is said, and take no part in it."))
}

/// May the actor decide the open stage in place of its approvers? Administrators may, but never for themselves (D2).
///
/// # Errors
/// `Forbidden` for those who may only see it, `Hidden` for everybody else.
pub fn overrule_stage(
    actor: &Actor,
    standing: &RequestStanding,
) -> Result<Permit<OverruleStage>, Denied> {
    let person = enabled(actor)?;
    if person.id == standing.requestor || person.id == standing.target {
        return Err(Denied::Forbidden("Nobody decides on access for themselves."));
    }
    if person.administrator {
        return Ok(Permit::on(standing.request.0));
    }
    see_request(actor, standing)?;
    Err(Denied::Forbidden("Only administrators decide in place of the approvers."))
}

/// May the actor take a decision of theirs back? Which one it is, and whether it still can be, is for the rules (D40).
///
/// # Errors
/// `Forbidden` for those who may only see it, `Hidden` for everybody else.
pub fn take_back(actor: &Actor, standing: &RequestStanding) -> Result<Permit<TakeBack>, Denied> {
    own_decision(actor, standing).map(|()| Permit::on(standing.request.0))
}

/// May the actor revoke an approval of theirs, so that the access ends? Which one it is, is for the rules.
///
/// # Errors
/// `Forbidden` for those who may only see it, `Hidden` for everybody else.
pub fn revoke_approval(
    actor: &Actor,
    standing: &RequestStanding,
) -> Result<Permit<RevokeApproval>, Denied> {
    own_decision(actor, standing).map(|()| Permit::on(standing.request.0))
}

fn own_decision(actor: &Actor, standing: &RequestStanding) -> Result<(), Denied> {
    let me = enabled(actor)?.id;
    if me == standing.requestor || me == standing.target {
        return Err(Denied::Forbidden("Nobody decides on access for themselves."));
    }
    if standing.approvers.contains(&me) {
        return Ok(());
    }
    see_request(actor, standing)?;
    Err(Denied::Forbidden("Only those who decided can take their decision back."))
}

/// May the actor cancel the request? Its requestor and its target may; owners and administrators too.
///
/// # Errors
/// `Forbidden` for those who may only see it, `Hidden` for everybody else.
pub fn cancel_request(
    actor: &Actor,
    standing: &RequestStanding,
) -> Result<Permit<CancelRequest>, Denied> {
    let person = enabled(actor)?;
    if person.id == standing.requestor
        || person.id == standing.target
        || manage_catalog(actor, standing.catalog).is_ok()
    {
        return Ok(Permit::on(standing.request.0));
    }
    see_request(actor, standing)?;
    Err(Denied::Forbidden(
        "Only the requestor, the catalog's owners and administrators can cancel it.",
    ))
}

/// Who sees a request (E28); who stands in for an approver sees what they see (D34).
///
/// # Errors
/// `Hidden` for everybody else.
pub fn see_request(
    actor: &Actor,
    standing: &RequestStanding,
) -> Result<Permit<SeeRequest>, Denied> {
    let person = enabled(actor)?;
    let about = |id: &PersonId| [standing.requestor, standing.target].contains(id);
    let sees = person.id == standing.requestor
        || person.id == standing.target
        || standing.approvers.contains(&person.id)
        || person.stands_for.iter().any(|stands| {
            standing.approvers.contains(&stands.person) && stands.reaches(standing.package, about)
        })
        || person.owns.contains(&standing.catalog)
        || person.administrator
        || person.auditor;
    if sees { Ok(Permit::on(standing.request.0)) } else { Err(Denied::Hidden) }
}

/// May the actor set up reviews of this catalog, or of everything? Its owners may, and administrators; of everything only
/// administrators.
///
/// # Errors
/// `Forbidden` for auditors and other owners, `Hidden` for everybody else.
pub fn manage_review(
    actor: &Actor,
    catalog: Option<CatalogId>,
) -> Result<Permit<ManageReview>, Denied> {
    let person = enabled(actor)?;
    let about = catalog.map_or(uuid::Uuid::nil(), |id| id.0);
    if keeps(person, catalog) {
        return Ok(Permit::on(about));
    }
    if person.auditor || !person.owns.is_empty() {
        return Err(Denied::Forbidden(
            "Reviews are set up by the owners of their catalog and by administrators.",
        ));
    }
    Err(Denied::Hidden)
}

/// Who looks after the reviews of a catalog, or of everything. Auditors change nothing (D33).
fn keeps(person: &Person, catalog: Option<CatalogId>) -> bool {
    let owns = catalog.is_some_and(|catalog| person.owns.contains(&catalog));
    person.administrator || (owns && !person.auditor)
}

/// How an actor stands to an instance of a review. Filled by `reviews::store`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReviewStanding {
    /// The instance.
    pub instance: ReviewInstanceId,
    /// Whose owners look after it.
    pub catalog: Option<CatalogId>,
}

/// May the actor run the instance?
///
/// # Errors
/// `Forbidden` for auditors, `Hidden` for everybody else.
pub fn run_review(actor: &Actor, standing: &ReviewStanding) -> Result<Permit<RunReview>, Denied> {
    if keeps(enabled(actor)?, standing.catalog) {
        return Ok(Permit::on(standing.instance.0));
    }
    see_review(actor, standing)?;
    Err(Denied::Forbidden("Reviews are run by the owners of their catalog and by administrators."))
}

/// May the actor see the instance whole, with everybody's answers? Who runs it may, and auditors.
///
/// # Errors
/// `Hidden` for everybody else: reviewers see what is theirs.
pub fn see_review(actor: &Actor, standing: &ReviewStanding) -> Result<Permit<SeeReview>, Denied> {
    let person = enabled(actor)?;
    if keeps(person, standing.catalog) || person.auditor {
        Ok(Permit::on(standing.instance.0))
    } else {
        Err(Denied::Hidden)
    }
}

/// How an actor stands to an item of a review. Filled by `reviews::store`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemStanding {
    /// The item.
    pub item: ReviewItemId,
    /// Whose access it is.
    pub person: PersonId,
    /// Which package.
    pub package: Option<PackageId>,
    /// Who answers.
    pub reviewers: Vec<PersonId>,
    /// True where everybody answers for themselves.
    pub own: bool,
}

/// In whose place may this person answer the item (D34)? Nobody's, where it is their own access (D29) or everybody answers
/// for themselves; the way from the one who is away leads past the person who is reviewed neither.
#[must_use]
pub fn reviews_for<'a>(person: &'a Person, standing: &ItemStanding) -> Option<&'a StandsFor> {
    if !person.enabled || standing.own || person.id == standing.person {
        return None;
    }
    let able = person.stands_for.iter().filter(|stands| {
        standing.reviewers.contains(&stands.person)
            && stands.person != standing.person
            && stands.reaches(standing.package, |id| *id == standing.person)
    });
    able.min_by_key(|stands| stands.person)
}

/// May the actor answer the item? Its reviewers may, and those who stand in for them (D34); never for their own access,
/// unless the review asks everybody for themselves (D29).
///
/// # Errors
/// `Forbidden` for a reviewer's own access, `Hidden` for everybody else.
pub fn answer_item(actor: &Actor, standing: &ItemStanding) -> Result<Permit<AnswerItem>, Denied> {
    let person = enabled(actor)?;
    let asked = standing.reviewers.contains(&person.id);
    let may = asked || reviews_for(person, standing).is_some();
    // An auditor changes nothing, whoever asks them (D33).
    if may && person.auditor && !person.administrator {
        return Err(Denied::Forbidden("Auditors read everything and change nothing."));
    }
    if person.id == standing.person && !standing.own {
        return if asked {
            Err(Denied::Forbidden("Nobody reviews their own access."))
        } else {
            Err(Denied::Hidden)
        };
    }
    if may { Ok(Permit::on(standing.item.0)) } else { Err(Denied::Hidden) }
}

/// May the actor say something about the item? The person whose access it is.
///
/// # Errors
/// `Hidden` for everybody else.
pub fn reply_item(actor: &Actor, standing: &ItemStanding) -> Result<Permit<ReplyItem>, Denied> {
    if enabled(actor)?.id == standing.person {
        Ok(Permit::on(standing.item.0))
    } else {
        Err(Denied::Hidden)
    }
}

/// How an actor stands to a person. Filled by `directory::store`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonStanding {
    /// The person.
    pub person: PersonId,
    /// Their manager.
    pub manager: Option<PersonId>,
    /// True where the actor has an open item about the person to decide.
    pub deciding: bool,
    /// The catalogs of what the person holds or requested.
    pub catalogs: Vec<CatalogId>,
}

/// Who sees a person's page (E28).
///
/// # Errors
/// `Hidden` for everybody else.
pub fn see_person(actor: &Actor, standing: &PersonStanding) -> Result<Permit<SeePerson>, Denied> {
    let person = enabled(actor)?;
    let sees = person.id == standing.person
        || standing.manager == Some(person.id)
        || standing.deciding
        || standing.catalogs.iter().any(|catalog| person.owns.contains(catalog))
        || person.administrator
        || person.auditor;
    if sees { Ok(Permit::on(standing.person.0)) } else { Err(Denied::Hidden) }
}

/// May the actor look inside a catalog?
///
/// # Errors
/// `Hidden` for everybody else.
pub fn see_catalog(actor: &Actor, catalog: CatalogId) -> Result<Permit<SeeCatalog>, Denied> {
    let person = enabled(actor)?;
    if person.owns.contains(&catalog) || person.administrator || person.auditor {
        Ok(Permit::on(catalog.0))
    } else {
        Err(Denied::Hidden)
    }
}

/// May the actor read why somebody else can have a package of the catalog, or cannot? Who may look inside the catalog, for
/// anybody whose page they may see.
///
/// # Errors
/// `Hidden` for everybody else.
pub fn explain_package(
    actor: &Actor,
    catalog: CatalogId,
    standing: &PersonStanding,
) -> Result<Permit<SeePerson>, Denied> {
    see_catalog(actor, catalog)?;
    see_person(actor, standing)
}

/// May the actor read why this person has a package of the catalog? The holder, their manager, and who may look inside the
/// catalog.
///
/// # Errors
/// `Hidden` for everybody else.
pub fn explain_access(
    actor: &Actor,
    catalog: CatalogId,
    holder: PersonId,
    manager: Option<PersonId>,
) -> Result<Permit<SeePerson>, Denied> {
    let me = enabled(actor)?.id;
    if me == holder || manager == Some(me) {
        return Ok(Permit::on(holder.0));
    }
    see_catalog(actor, catalog).map(|_| Permit::on(holder.0))
}

/// May the actor create a catalog?
///
/// # Errors
/// `Forbidden` for everybody but administrators.
pub fn create_catalog(actor: &Actor) -> Result<Permit<CreateCatalog>, Denied> {
    if actor.is_administrator() {
        Ok(Permit::on(uuid::Uuid::nil()))
    } else {
        Err(Denied::Forbidden("Administrators create catalogs."))
    }
}

/// May the actor change a catalog, its packages and policies?
///
/// # Errors
/// `Forbidden` for those who may only see it, `Hidden` for everybody else.
pub fn manage_catalog(actor: &Actor, catalog: CatalogId) -> Result<Permit<ManageCatalog>, Denied> {
    // An auditor changes nothing, whoever made them an owner (D33).
    if actor.is_administrator() || (actor.owns(catalog) && !actor.is_auditor()) {
        return Ok(Permit::on(catalog.0));
    }
    see_catalog(actor, catalog)?;
    Err(Denied::Forbidden("The catalog's owners and administrators change it."))
}

/// May the actor see the connected organizations, and who their people are?
///
/// # Errors
/// `Forbidden` for everybody but auditors and administrators.
pub fn see_organizations(actor: &Actor) -> Result<Permit<SeeOrganizations>, Denied> {
    if actor.is_administrator() || actor.is_auditor() {
        Ok(Permit::on(uuid::Uuid::nil()))
    } else {
        Err(Denied::Forbidden("Administrators look after connected organizations."))
    }
}

/// May the actor add and change connected organizations?
///
/// # Errors
/// `Forbidden` for everybody but administrators.
pub fn manage_organizations(actor: &Actor) -> Result<Permit<ManageOrganizations>, Denied> {
    if actor.is_administrator() {
        Ok(Permit::on(uuid::Uuid::nil()))
    } else {
        Err(Denied::Forbidden("Administrators look after connected organizations."))
    }
}

/// May the actor register a resource? Only administrators, until resources have owners (E26).
///
/// # Errors
/// `Forbidden` for the catalog's owners and readers, `Hidden` for everybody else.
pub fn register_resource(
    actor: &Actor,
    catalog: CatalogId,
) -> Result<Permit<RegisterResource>, Denied> {
    if actor.is_administrator() {
        return Ok(Permit::on(catalog.0));
    }
    see_catalog(actor, catalog)?;
    Err(Denied::Forbidden("Administrators register resources of target systems."))
}

/// May the actor end an assignment of a package of this catalog, or retry its delivery?
/// Nobody does so for their own access except to see it end.
///
/// # Errors
/// `Forbidden` for those who may only see it, `Hidden` for everybody else.
pub fn manage_assignment(
    actor: &Actor,
    catalog: CatalogId,
) -> Result<Permit<ManageAssignment>, Denied> {
    manage_catalog(actor, catalog).map(|_| Permit::on(catalog.0))
}

/// May the actor see which mails have not gone out, and send them again?
///
/// # Errors
/// `Forbidden` for everybody but administrators.
pub fn manage_mail(actor: &Actor) -> Result<Permit<ManageMail>, Denied> {
    if actor.is_administrator() {
        Ok(Permit::on(uuid::Uuid::nil()))
    } else {
        Err(Denied::Forbidden("Mails are looked after by administrators."))
    }
}

/// May the actor change the organization's settings?
///
/// # Errors
/// `Forbidden` for everybody but administrators.
pub fn manage_settings(actor: &Actor) -> Result<Permit<ManageSettings>, Denied> {
    if actor.is_administrator() {
        Ok(Permit::on(uuid::Uuid::nil()))
    } else {
        Err(Denied::Forbidden("Administrators change the organization’s settings."))
    }
}

/// May the actor read the audit log?
///
/// # Errors
/// `Forbidden` for everybody but auditors and administrators.
pub fn read_audit(actor: &Actor) -> Result<Permit<ReadAudit>, Denied> {
    if actor.is_administrator() || actor.is_auditor() {
        Ok(Permit::on(uuid::Uuid::nil()))
    } else {
        Err(Denied::Forbidden("The audit log is for auditors and administrators."))
    }
}

/// Timers, imports and the command line act as the system; no person gets this.
///
/// # Errors
/// `Forbidden` for every person.
pub fn run_system(actor: &Actor) -> Result<Permit<RunSystem>, Denied> {
    match actor {
        Actor::System(_) => Ok(Permit::on(uuid::Uuid::nil())),
        Actor::Person(_) => Err(Denied::Forbidden("Only the system does this.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: PersonId, administrator: bool) -> Actor {
        Actor::Person(Person {
            id,
            name: "Ann".into(),
            kind: Kind::Member,
            enabled: true,
            administrator,
            auditor: false,
            owns: vec![],
            clock: None,
            veiled: false,
            stands_for: vec![],
        })
    }

    #[test]
    fn d02_not_even_an_administrator_in_the_approver_set_decides_for_themselves() {
        let me = PersonId::fresh();
        let other = PersonId::fresh();
        let mut standing = RequestStanding {
            request: RequestId::fresh(),
            requestor: me,
            target: other,
            catalog: CatalogId::fresh(),
            package: PackageId::fresh(),
            deciders: vec![me],
            approvers: vec![me],
            voted: vec![],
            earlier: vec![],
        };
        assert!(matches!(decide_stage(&person(me, true), &standing), Err(Denied::Forbidden(_))));
        (standing.requestor, standing.target) = (other, me);
        assert!(matches!(decide_stage(&person(me, true), &standing), Err(Denied::Forbidden(_))));
        standing.target = other;
        assert!(decide_stage(&person(me, false), &standing).is_ok());
    }

    #[test]
    fn d02_a_manager_ends_access_of_a_report_where_the_policy_says_so_and_never_their_own() {
        let (me, report) = (PersonId::fresh(), PersonId::fresh());
        let assignment = AssignmentId::fresh();
        let standing =
            ReportStanding { assignment, holder: report, manager: Some(me), by_managers: true };
        assert!(end_for_report(&person(me, false), &standing).is_ok());
        let other = person(PersonId::fresh(), true);
        assert_eq!(end_for_report(&other, &standing).err(), Some(Denied::Hidden));
        let own = ReportStanding { holder: me, ..standing };
        assert_eq!(end_for_report(&person(me, false), &own).err(), Some(Denied::Hidden));
        let moved = ReportStanding { manager: None, ..standing };
        assert_eq!(end_for_report(&person(me, true), &moved).err(), Some(Denied::Hidden));
        let not_theirs = ReportStanding { by_managers: false, ..standing };
        let denied = end_for_report(&person(me, true), &not_theirs);
        assert!(matches!(denied, Err(Denied::Forbidden(_))));
        let Actor::Person(mut auditor) = person(me, false) else { unreachable!() };
        auditor.auditor = true;
        let denied = end_for_report(&Actor::Person(auditor), &standing);
        assert!(matches!(denied, Err(Denied::Forbidden(_))), "D33");
    }

    #[test]
    fn a_stranger_does_not_learn_that_a_request_exists() {
        let other = PersonId::fresh();
        let standing = RequestStanding {
            request: RequestId::fresh(),
            requestor: other,
            target: other,
            catalog: CatalogId::fresh(),
            package: PackageId::fresh(),
            deciders: vec![],
            approvers: vec![],
            voted: vec![],
            earlier: vec![],
        };
        let stranger = person(PersonId::fresh(), false);
        assert_eq!(decide_stage(&stranger, &standing).err(), Some(Denied::Hidden));
        assert_eq!(cancel_request(&stranger, &standing).err(), Some(Denied::Hidden));
    }

    #[test]
    fn d33_an_auditor_changes_nothing_though_somebody_made_them_an_owner() {
        let catalog = CatalogId::fresh();
        let Actor::Person(mut p) = person(PersonId::fresh(), false) else { unreachable!() };
        p.owns = vec![catalog];
        assert!(manage_catalog(&Actor::Person(p.clone()), catalog).is_ok());
        p.auditor = true;
        assert!(matches!(manage_catalog(&Actor::Person(p), catalog), Err(Denied::Forbidden(_))));
    }

    #[test]
    fn a_disabled_administrator_may_nothing() {
        let Actor::Person(mut p) = person(PersonId::fresh(), true) else { unreachable!() };
        p.enabled = false;
        let actor = Actor::Person(p);
        assert!(enter(Some(&actor), Gate::SignedIn).is_err());
        assert!(read_audit(&actor).is_err());
        assert!(create_catalog(&actor).is_err());
    }
}
