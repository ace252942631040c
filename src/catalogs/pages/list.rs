//! The catalogs that somebody looks after.

use askama::Template;

use crate::access::Actor;
use crate::catalogs::model::CatalogLine;
use crate::catalogs::store;
use crate::error::{Error, Result};
use crate::kernel::text::{counted, folded};
use crate::web::listing::{Listing, PAGE};
use crate::web::paging::page;
use crate::web::{Cx, Place, Reply, Shell};

const LIMIT: usize = 50;

#[derive(Template)]
#[template(path = "catalogs/list.html")]
struct ListPage {
    shell: Shell,
    rows: Vec<CatalogLine>,
    listing: Listing,
    administrator: bool,
    auditor: bool,
}

impl ListPage {
    fn inside(line: &CatalogLine) -> String {
        let packages = counted(line.packages, "access package", "access packages");
        format!("{packages}, {}", counted(line.resources, "resource", "resources"))
    }
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let at = cx.cursor::<String>(PAGE)?;
    let actor = cx.actor().ok_or(Error::Missing)?;
    let limit = i64::try_from(LIMIT + 1).unwrap_or(i64::MAX);
    let rows = cx.read(|db| store::catalogs(db, actor, at.as_ref(), limit))?;
    let page =
        page(rows, LIMIT, at.as_ref(), |line| (folded(&line.catalog.name), line.catalog.id.0));
    let mut listing = Listing::under(cx, &page, "catalog", "catalogs");
    listing.csv = None;
    Reply::page(&ListPage {
        rows: page.rows,
        listing,
        administrator: Actor::is_administrator(actor),
        auditor: actor.is_auditor(),
        shell: cx.shell("Catalogs", Place::Catalogs)?,
    })
}
