//! One's own notices, and for administrators the mails that have not gone out.

use askama::Template;

use super::commands;
use super::model::State;
use super::store::{self, Unsent};
use crate::access::policy::{self, Gate};
use crate::error::{Error, Result};
use crate::kernel::text::counted;
use crate::kernel::{NoticeId, Ts};
use crate::web::listing::{Listing, PAGE, seek};
use crate::web::paging::page;
use crate::web::words::When;
use crate::web::{Cx, Place, Reply, Route, Shell, get, post};

/// This slice's routes.
pub const ROUTES: &[Route] = &[
    get("/notices", Gate::SignedIn, notices),
    post("/notices/read", Gate::SignedIn, read),
    get("/mail", Gate::Administrator, mail),
    post("/mail/retry", Gate::Administrator, retry_all),
    post("/mail/{id}/retry", Gate::Administrator, retry),
];

/// As many rows as a page shows.
const SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "notify/notices.html")]
struct NoticesPage {
    shell: Shell,
    rows: Vec<Line>,
    pager: Listing,
    /// The time of the newest notice that is shown, if there is anything to mark as read.
    upto: Option<i64>,
    administrator: bool,
    mailed: bool,
}

struct Line {
    when: When,
    sentence: String,
    link: String,
    new: bool,
}

fn notices(cx: &mut Cx) -> Result<Reply> {
    let reader = cx.person()?;
    let (me, administrator) = (reader.id, reader.administrator);
    let at = cx.cursor::<Ts>(PAGE)?;
    let limit = i64::try_from(SHOWN + 1).unwrap_or(i64::MAX);
    let (rows, unread) = cx.read(|db| {
        let rows = store::of_person(db, reader, cx.zone(), seek(at.as_ref(), NoticeId), limit)?;
        Ok((rows, store::has_unread(db, me)?))
    })?;
    let found = page(rows, SHOWN, at.as_ref(), |row| (row.at, row.id.0));
    let line = |row: &store::Notice| Line {
        when: When::at(row.at, cx.now(), cx.zone()),
        sentence: row.sentence.clone(),
        link: row.link.clone(),
        new: row.read_at.is_none(),
    };
    let title =
        if at.is_some() { "Your notices, earlier – Notices" } else { "Your notices – Notices" };
    Reply::page(&NoticesPage {
        shell: cx.shell(title, Place::None)?,
        upto: found.rows.first().filter(|_| unread).map(|row| row.at.micros()),
        rows: found.rows.iter().map(line).collect(),
        pager: Listing::without_csv(cx, &found, "notice", "notices"),
        administrator,
        mailed: cx.site.mailer.is_some(),
    })
}

/// Marks what the page showed as read, and what is older; what came since stays new.
fn read(cx: &mut Cx) -> Result<Reply> {
    let Ok(upto) = cx.form().raw("upto").parse() else {
        return Err(Error::invalid("upto", "Open your notices again, and mark them as read there"));
    };
    cx.write(move |tx| commands::mark_read(tx, Ts::from_micros(upto)))?;
    Ok(Reply::see_other("/notices").notice("Marked as read.", "What comes from now on is new."))
}

#[derive(Template)]
#[template(path = "notify/mail.html")]
struct MailPage {
    shell: Shell,
    failed: bool,
    rows: Vec<Mail>,
    pager: Listing,
    /// Where the mails go; none where no server is configured.
    place: Option<String>,
}

struct Mail {
    id: NoticeId,
    to: String,
    to_href: String,
    address: String,
    sentence: String,
    trouble: String,
    attempts: String,
    since: When,
    next: Option<When>,
}

fn mail(cx: &mut Cx) -> Result<Reply> {
    let state = match cx.query("state") {
        "waiting" => State::Waiting,
        _ => State::Failed,
    };
    let at = cx.cursor::<Ts>(PAGE)?;
    let limit = i64::try_from(SHOWN + 1).unwrap_or(i64::MAX);
    let rows = cx.read(|db| store::unsent(db, state, seek(at.as_ref(), NoticeId), limit))?;
    let found = page(rows, SHOWN, at.as_ref(), |row| (row.since, row.id.0));
    // Mails wait and are tried by wall time.
    let (wall, zone) = (cx.wall(), cx.zone());
    let row = |row: &Unsent| Mail {
        id: row.id,
        to: row.to.1.clone(),
        to_href: format!("/people/{}", row.to.0),
        address: row.to.2.clone().unwrap_or_else(|| "No mail address".into()),
        sentence: row.sentence.clone(),
        trouble: row.trouble.clone().unwrap_or_else(|| "Not tried yet".into()),
        attempts: counted(row.attempts, "try", "tries"),
        since: When::at(row.since, wall, zone),
        next: (row.state == State::Waiting.as_str()).then(|| When::at(row.next_at, wall, zone)),
    };
    Reply::page(&MailPage {
        shell: cx.shell("Mails that have not gone out – Mail", Place::None)?,
        failed: state == State::Failed,
        rows: found.rows.iter().map(row).collect(),
        pager: Listing::without_csv(cx, &found, "mail", "mails"),
        place: cx.site.mailer.as_ref().map(|mailer| mailer.place()),
    })
}

fn retry(cx: &mut Cx) -> Result<Reply> {
    let id: NoticeId = cx.id("id")?;
    let done = cx.write(move |tx| {
        let permit = policy::manage_mail(tx.actor())?;
        commands::try_again(tx, &permit, id)
    })?;
    let back = Reply::see_other("/mail");
    Ok(if done {
        back.notice("On its way again.", "If it fails again, it comes back to this list.")
    } else {
        back.warning("Nothing to try again.", "This mail has not failed, or somebody was faster.")
    })
}

fn retry_all(cx: &mut Cx) -> Result<Reply> {
    let count = cx.write(|tx| {
        let permit = policy::manage_mail(tx.actor())?;
        commands::try_all_again(tx, &permit)
    })?;
    let back = Reply::see_other("/mail");
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    Ok(if count > 0 {
        let words = format!(
            "{}; what fails again comes back to this list.",
            counted(count, "mail", "mails")
        );
        back.notice("On their way again.", words)
    } else {
        back.warning("Nothing to try again.", "No mail has failed.")
    })
}
