//! The versions of a policy, and what two of them say differently.

use askama::Template;

use super::one;
use crate::error::{Error, Result};
use crate::packages::model::Detail;
use crate::policies::model::{Policy, Version};
use crate::policies::reach::{Difference, difference};
use crate::policies::store;
use crate::web::page::Choice;
use crate::web::words::When;
use crate::web::{Cx, Place, Reply, Shell};

/// A version as the page tells it.
struct Past {
    version: Version,
    made: When,
}

/// Two versions beside each other.
struct Compared {
    from: i64,
    to: i64,
    /// The earlier name, if the later one is another.
    renamed: Option<String>,
    difference: Difference,
}

#[derive(Template)]
#[template(path = "policies/versions.html")]
struct VersionsPage {
    shell: Shell,
    detail: Detail,
    policy: Policy,
    versions: Vec<Past>,
    from: Vec<Choice>,
    to: Vec<Choice>,
    compared: Option<Compared>,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let (detail, policy) = one(cx)?;
    let versions = cx.read(|db| store::versions(db, policy.id))?;
    let compared = match (cx.query("from"), cx.query("to")) {
        ("", "") => None,
        (from, to) => Some(compare(&versions, from, to)?),
    };
    let newest = policy.version;
    let (from, to) = compared.as_ref().map_or((newest - 1, newest), |c| (c.from, c.to));
    let choices = |chosen: i64| {
        let choice = |v: &Version| Choice {
            value: v.version.to_string(),
            label: match v.version == newest {
                true => format!("Version {}, in force", v.version),
                false => format!("Version {}", v.version),
            },
            hint: String::new(),
            on: v.version == chosen,
        };
        versions.iter().map(choice).collect::<Vec<_>>()
    };
    let (from, to) = (choices(from), choices(to));
    let (now, zone) = (cx.now(), cx.zone());
    let past = |version: Version| Past { made: When::at(version.made_at, now, zone), version };
    let title = format!("Versions of policy {} of {} – Catalogs", policy.name, detail.package.name);
    let shell = cx.shell(title, Place::Catalogs)?;
    let versions = versions.into_iter().map(past).collect();
    Reply::page(&VersionsPage { shell, detail, policy, versions, from, to, compared })
}

/// The later of the two against the earlier one, whichever came first in the address.
fn compare(versions: &[Version], one: &str, other: &str) -> Result<Compared> {
    let find = |text: &str| {
        let number: i64 = text.parse().map_err(|_| Error::Missing)?;
        versions.iter().find(|v| v.version == number).ok_or(Error::Missing)
    };
    let (one, other) = (find(one)?, find(other)?);
    let (from, to) = if one.version <= other.version { (one, other) } else { (other, one) };
    Ok(Compared {
        from: from.version,
        to: to.version,
        renamed: (from.name != to.name).then(|| from.name.clone()),
        difference: difference(Some(&from.terms), &to.terms),
    })
}
