//! The commands of the operator: `keyholder import people`, `import groups` and `admin grant`.
//! What was done goes to standard output; problems, each with its line, and progress go to standard error.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::commands::{self, LeaverHook, MembersHook};
use super::configured;
use super::diff::many;
use super::feed::{self, Mapping};
use super::groups_feed;
use super::import::{self, Rules};
use super::model::{GlobalRole, Outcome};
use super::problem::{LISTED, Problem};
use super::store;
use crate::access::policy::run_system;
use crate::db::{By, Database};
use crate::error::Error;

/// What `import people` is given.
#[derive(clap::Args, Clone, Debug)]
pub struct ImportPeople {
    /// The staff list: CSV in UTF-8 with a header, everybody in one file
    pub file: PathBuf,
    /// Which column holds what: id, name, mail, manager, title, department, kind; other columns are
    /// kept under their own names [default: columns of these names]
    #[arg(long, value_name = "FIELD=COLUMN,...")]
    pub map: Option<String>,
    /// The name of the list; people of other lists are left alone
    #[arg(long, default_value = "csv")]
    pub source: String,
    /// How many per cent of the people of this list may leave at once
    #[arg(long, value_name = "PERCENT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(..=100))]
    pub allow_leavers: u32,
    /// Do everything, say what it came to, and take it back
    #[arg(long)]
    pub dry_run: bool,
}

/// What `import groups` is given.
#[derive(clap::Args, Clone, Debug)]
pub struct ImportGroups {
    /// The members: CSV in UTF-8 with the columns group and member (an id or a mail address)
    pub file: PathBuf,
    /// Do everything, say what it came to, and take it back
    #[arg(long)]
    pub dry_run: bool,
}

/// What `admin grant` is given.
#[derive(clap::Args, Clone, Debug)]
pub struct Grant {
    /// The person: id in the staff list, mail address or full name, exactly
    pub person: String,
    /// administrator or auditor
    #[arg(long, default_value = "administrator")]
    pub role: String,
    /// Take the role instead
    #[arg(long)]
    pub withdraw: bool,
}

/// Imports a staff list. `administrators` are those of the configuration, by id or mail.
///
/// # Errors
/// When the database does not answer; everything that is wrong with the list is told here.
pub fn import_people(
    db: &Database,
    args: &ImportPeople,
    administrators: &[String],
    hooks: &[LeaverHook],
) -> anyhow::Result<ExitCode> {
    if args.source.trim().is_empty() || args.source == configured::SOURCE {
        let source = configured::SOURCE;
        return Ok(failed(&format!("--source: give the list a name, other than {source}")));
    }
    let mapping = match args.map.as_deref().map_or_else(|| Ok(Mapping::default()), Mapping::parse) {
        Ok(mapping) => mapping,
        Err(words) => return Ok(failed(&format!("--map: {words}"))),
    };
    let entries = match opened(&args.file).and_then(|file| feed::read(file, &mapping)) {
        Ok(entries) => entries,
        Err(problems) => return Ok(refused(&args.file, &problems)),
    };
    eprintln!("Read {} from {}.", many(entries.len(), "person", "people"), args.file.display());
    let rules = Rules {
        source: args.source.clone(),
        allow_leavers: args.allow_leavers,
        administrators: administrators.to_vec(),
        hooks: hooks.to_vec(),
        dry_run: args.dry_run,
    };
    match import::people(db, entries, rules) {
        Ok(outcome) => {
            tell(args, &outcome);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => told(error),
    }
}

fn tell(args: &ImportPeople, outcome: &Outcome) {
    for warning in outcome.warnings.iter().take(LISTED) {
        eprintln!("Warning: {}: {warning}", args.file.display());
    }
    let more = outcome.warnings.len().saturating_sub(LISTED);
    if more > 0 {
        eprintln!("and {}", many(more, "more warning", "more warnings"));
    }
    if outcome.rewired > 0 {
        let people = many(outcome.rewired, "person", "people");
        println!("The manager of {people} is now somebody else, though the list says the same.");
    }
    if args.dry_run {
        for name in outcome.leavers.iter().take(LISTED) {
            println!("Would leave: {name}");
        }
    }
    println!("{} \"{}\": {}", done(args.dry_run), args.source, outcome.summary);
}

/// Imports groups with their members.
///
/// # Errors
/// When the database does not answer; everything that is wrong with the file is told here.
pub fn import_groups(
    db: &Database,
    args: &ImportGroups,
    hooks: &[MembersHook],
) -> anyhow::Result<ExitCode> {
    let memberships = match opened(&args.file).and_then(groups_feed::read) {
        Ok(memberships) => memberships,
        Err(problems) => return Ok(refused(&args.file, &problems)),
    };
    let members = many(memberships.len(), "membership", "memberships");
    eprintln!("Read {members} from {}.", args.file.display());
    match import::groups(db, memberships, hooks.to_vec(), args.dry_run) {
        Ok(outcome) => {
            println!("{} groups: {}", done(args.dry_run), outcome.summary);
            Ok(ExitCode::SUCCESS)
        }
        Err(Error::Invalid(problems)) => {
            let problems: Vec<_> = problems.into_iter().map(|p| Problem::whole(p.text)).collect();
            Ok(refused(&args.file, &problems))
        }
        Err(error) => told(error),
    }
}

/// Gives somebody a role of the whole installation: the audited way back in (E21).
///
/// # Errors
/// When the database does not answer.
pub fn grant(db: &Database, args: &Grant) -> anyhow::Result<ExitCode> {
    let Some(role) = GlobalRole::parse(&args.role) else {
        return Ok(failed(&format!(
            "there is no role {}, only: administrator, auditor",
            args.role
        )));
    };
    let found = match db.read(|db| store::find_exact(db, &args.person)) {
        Ok(found) => found,
        Err(error) => return told(error),
    };
    let person = match &found[..] {
        [person] => person.clone(),
        [] => {
            let words = "by id, mail address or full name, exactly as in the staff list";
            return Ok(failed(&format!("nobody is {} ({words})", args.person)));
        }
        several => {
            for person in several {
                let mail = person.mail.as_deref().unwrap_or("no mail address");
                eprintln!(
                    "{}: {} ({mail}, list {})",
                    person.external_id, person.name, person.source
                );
            }
            return Ok(failed(&format!("several are {}; give the id", args.person)));
        }
    };
    let (id, on) = (person.id, !args.withdraw);
    let changed = db.write(By::System("Command line"), move |tx| {
        let permit = run_system(tx.actor())?;
        commands::grant_role(tx, &permit, id, role, on)
    });
    let verb = match changed {
        Ok(true) if on => "is now",
        Ok(false) if on => "was already",
        Ok(true) => "is no longer",
        Ok(false) => "was not",
        Err(error) => return told(error),
    };
    let article = if role == GlobalRole::Administrator { "an administrator" } else { "an auditor" };
    println!("{} ({}) {verb} {article}.", person.name, person.external_id);
    Ok(ExitCode::SUCCESS)
}

fn done(dry_run: bool) -> &'static str {
    if dry_run { "Dry run, nothing was changed. It would have imported" } else { "Imported" }
}

fn opened(file: &Path) -> Result<File, Vec<Problem>> {
    File::open(file).map_err(|error| vec![Problem::whole(format!("cannot be opened: {error}"))])
}

fn refused(file: &Path, problems: &[Problem]) -> ExitCode {
    for problem in problems {
        eprintln!("{}: {problem}", file.display());
    }
    failed("nothing was changed")
}

fn failed(words: &str) -> ExitCode {
    eprintln!("Error: {words}");
    ExitCode::FAILURE
}

/// What a person can mend is told here, the rest is for the caller.
fn told(error: Error) -> anyhow::Result<ExitCode> {
    match error {
        Error::Broken(error) => Err(error),
        Error::Refused(refusal) => Ok(failed(&refusal.why)),
        error => Ok(failed(&error.to_string())),
    }
}
