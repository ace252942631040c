//! What reviewers could not tell the purpose of: its owners describe it better.

use askama::Template;

use super::keeps;
use crate::access::policy;
use crate::error::{Error, Result};
use crate::kernel::PackageId;
use crate::kernel::text::counted;
use crate::reviews::commands;
use crate::reviews::store::listing;
use crate::web::words::When;
use crate::web::{Cx, Place, Reply, Shell};

/// As many packages as the page shows; the others follow when these are done.
const MOST: i64 = 100;

#[derive(Template)]
#[template(path = "reviews/describe.html")]
struct DescribePage {
    shell: Shell,
    rows: Vec<Row>,
    /// False for auditors, who change nothing.
    changes: bool,
}

struct Row {
    id: PackageId,
    name: String,
    description: String,
    since: When,
    /// How often reviewers could not tell.
    unknown: String,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let me = cx.person()?.clone();
    let catalogs = keeps(&me).ok_or(Error::Missing)?;
    let all = cx.read(|db| listing::to_describe(db, catalogs.as_deref(), MOST))?;
    let (now, zone) = (cx.now(), cx.zone());
    let row = |one: listing::ToDescribe| Row {
        id: one.package,
        name: one.name,
        description: one.description,
        since: When::at(one.asked_at, now, zone),
        unknown: counted(one.unknown, "answer", "answers"),
    };
    let shown = DescribePage {
        shell: cx.shell("Access to describe better – Reviews", Place::Reviews)?,
        rows: all.into_iter().map(row).collect(),
        changes: me.administrator || !me.auditor,
    };
    Reply::page(&shown)
}

/// The owner finds it clear enough.
pub(super) fn enough(cx: &mut Cx) -> Result<Reply> {
    let id: PackageId = cx.id("package")?;
    let package = cx.read(|db| crate::packages::store::package(db, id))?.package;
    cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), package.catalog)?;
        commands::described(tx, &permit, id, false)
    })?;
    let said =
        format!("“{}” keeps its description. The next reviewer reads the same.", package.name);
    Ok(Reply::see_other("/reviews/describe").notice("Done.", said))
}
