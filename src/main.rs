//! The command line. Each command is a few lines here; the work is in the library.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::{Args, Parser, Subcommand};
use keyholder::directory::cli::{self, Grant as GrantRole, ImportGroups, ImportPeople};
use keyholder::reviews::pack;
use keyholder::{config, serve};

/// Keyholder: people request access packages, the right people decide, the access appears in target systems
/// and ends by itself, and every step can be read afterwards.
///
/// Begin with `keyholder demo`: it needs nothing and shows the main job with a made-up company.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the main job with a made-up company, on this machine only.
    ///
    /// Data stays in the folder. The demo brings its own sign-in page, target system, clock and mailbox.
    Demo {
        /// The port; the address is http://localhost:PORT.
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// Where the demo keeps its data.
        #[arg(long, default_value = "./keyholder-demo")]
        dir: PathBuf,
        /// Delete the demo's own database first and begin anew.
        #[arg(long)]
        fresh: bool,
    },
    /// Run the portal with your own sign-in, database and target systems.
    ///
    /// Needs a settings file; docs/keyholder.example.toml is one with every setting explained. It refuses to start
    /// when a setting is missing, unknown or unsafe, and says which.
    Serve {
        /// The settings file.
        #[arg(long, default_value = "keyholder.toml")]
        config: PathBuf,
    },
    /// Bring the database's schema up to date (`serve` does so too when it starts).
    Migrate(Where),
    /// Read people or groups from a file.
    #[command(subcommand)]
    Import(Import),
    /// Look after the installation itself.
    #[command(subcommand)]
    Admin(Admin),
    /// Check evidence, on any machine: no settings, no database, no network.
    #[command(subcommand)]
    Audit(Audit),
}

/// Which database: DATABASE_URL, else `database.url` of the settings file.
#[derive(Args)]
struct Where {
    /// The settings file, for its database and time zone.
    #[arg(long)]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Import {
    /// Read a staff list (CSV): joiners are added, movers updated, the missing become leavers.
    ///
    /// The file is the whole list of its source. Nothing is half applied. A leaver loses open requests, access,
    /// approvals and sessions in the same run.
    People {
        #[command(flatten)]
        args: ImportPeople,
        #[command(flatten)]
        at: Where,
    },
    /// Read groups with their members (CSV with the columns group,member).
    Groups {
        #[command(flatten)]
        args: ImportGroups,
        #[command(flatten)]
        at: Where,
    },
}

#[derive(Subcommand)]
enum Audit {
    /// Check the pack of an access review, and name what was changed, added or left out.
    ///
    /// Ends with 0 if it is complete and unchanged, with 1 if something is wrong with it, with 2 if it cannot be
    /// read. Without --key it says that the signer is unproven.
    Verify {
        /// The pack, as it was saved from the review's page.
        pack: PathBuf,
        /// The public key (PEM) of whoever runs Keyholder, got from them and not with the pack.
        #[arg(long)]
        key: Option<PathBuf>,
    },
    /// Make a pair of keys for signing packs: the private one goes into the settings (`reviews.pack_key`).
    Keygen {
        /// Where the private key is written; the public one lies beside it, with `.pub` at its end.
        #[arg(default_value = "review-packs.pem")]
        path: PathBuf,
    },
}

#[derive(Subcommand)]
enum Admin {
    /// Make a person administrator: the audited way back in when nobody is left.
    Grant {
        #[command(flatten)]
        args: GrantRole,
        #[command(flatten)]
        at: Where,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("keyholder: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo { port, dir, fresh } => serve::demo(port, &dir, fresh),
        Command::Serve { config } => serve::serve(&config),
        Command::Migrate(at) => {
            let (address, _) = database(&at)?;
            let ran = keyholder::db::migrate::migrate(&address)?;
            println!(
                "{}",
                if ran.is_empty() {
                    "The schema is up to date.".into()
                } else {
                    format!("Ran {}.", ran.join(", "))
                }
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Import(Import::People { args, at }) => {
            let administrators = config::first_administrator(at.config.as_deref())
                .map_err(|problem| anyhow!(problem))?;
            cli::import_people(
                &open(&at)?,
                &args,
                &administrators,
                &[keyholder::requests::commands::leaver],
            )
        }
        Command::Import(Import::Groups { args, at }) => {
            cli::import_groups(&open(&at)?, &args, &[keyholder::requests::commands::members_left])
        }
        Command::Admin(Admin::Grant { args, at }) => cli::grant(&open(&at)?, &args),
        Command::Audit(Audit::Verify { pack, key }) => {
            let code = pack::run_verify(&pack, key.as_deref(), &mut std::io::stdout().lock());
            Ok(ExitCode::from(u8::try_from(code).unwrap_or(2)))
        }
        Command::Audit(Audit::Keygen { path }) => {
            let public = serve::make_pack_keys(&path)?;
            println!(
                "Made {} (keep it secret) and {} (for auditors).",
                path.display(),
                public.display()
            );
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn open(at: &Where) -> anyhow::Result<keyholder::db::Database> {
    serve::open(&database(at)?)
}

fn database(at: &Where) -> anyhow::Result<(keyholder::db::Address, keyholder::kernel::Zone)> {
    let found = config::database_address(at.config.as_deref()).map_err(|problem| anyhow!(problem));
    found.context("which database?")
}
