//! What an import does to both databases.

use std::sync::Arc;

use diesel::prelude::*;

use super::feed::{self, Mapping};
use super::import::{self, Rules};
use super::{GlobalRole, LeaverHook, Outcome, PersonRow, commands, groups_feed, store};
use crate::access::policy::run_system;
use crate::db::schema::{facts, group_members, people, sessions};
use crate::db::testing::{clock, databases, databases_on};
use crate::db::{By, Database, Tx};
use crate::error::{Error, Result};
use crate::kernel::text::folded;
use crate::kernel::{Kind, PersonId, Ts};

const TEST: By = By::System("test");
const HEAD: &str = "id,name,mail,manager,title,department,kind,team\n";

fn rules() -> Rules {
    Rules {
        source: "csv".into(),
        allow_leavers: 5,
        administrators: vec![],
        hooks: vec![],
        dry_run: false,
    }
}

fn import(db: &Database, rows: &str, rules: Rules) -> Result<Outcome> {
    let text = format!("{HEAD}{rows}");
    import::people(db, feed::read(text.as_bytes(), &Mapping::default()).unwrap(), rules)
}

fn all(db: &Database, rows: &str) -> Outcome {
    import(db, rows, Rules { allow_leavers: 100, ..rules() }).unwrap()
}

/// A hundred people; the first manages the rest.
fn hundred() -> String {
    (0..100).map(|i| format!("p{i},Person {i},p{i}@x.example,p0,Engineer,R&D,,\n")).collect()
}

fn without(rows: &str, gone: usize) -> String {
    let kept = rows.lines().count() - gone;
    rows.lines().take(kept).map(|row| format!("{row}\n")).collect()
}

fn person(db: &Database, key: &str) -> PersonRow {
    db.read(|db| {
        let row = people::table.filter(people::external_id.eq(key));
        Ok(row.select(PersonRow::as_select()).first(db)?)
    })
    .unwrap()
}

/// Every row of everybody with every column that an import may write, and how many facts there are.
fn state(db: &Database) -> (Vec<(PersonRow, i64, String)>, i64) {
    db.read(|db| {
        let rows = people::table.order(people::id);
        let rows = rows.select((PersonRow::as_select(), people::rev, people::attributes));
        Ok((rows.load(db)?, facts::table.count().get_result(db)?))
    })
    .unwrap()
}

fn kinds(db: &Database) -> Vec<String> {
    db.read(|db| Ok(facts::table.order(facts::id).select(facts::kind).load(db)?)).unwrap()
}

#[test]
fn a_first_list_makes_people_with_managers_search_words_and_facts() {
    for db in databases() {
        let rows =
            "b,Ben Ek,,a,,,,\na,Ada Łuk,ADA@x.example,c,Lead,R&D,guest,Red\nc,Cleo,,Zoe,,,,\n";
        let outcome = import(&db, rows, rules()).unwrap();
        assert_eq!(
            outcome.summary,
            "3 joiners, 0 movers, 0 leavers, 0 unchanged, 1 without a manager"
        );
        assert_eq!(
            outcome.warnings[0].to_string(),
            "line 4: Cleo (c) has no manager: nobody is \"Zoe\""
        );
        let ada = person(&db, "a");
        assert_eq!((ada.kind, ada.mail.as_deref()), (Kind::Guest, Some("ada@x.example")));
        assert!(ada.enabled && !ada.administrator && !ada.auditor);
        assert_eq!(person(&db, "b").manager_id, Some(ada.id));
        assert_eq!(ada.manager_id, Some(person(&db, "c").id));
        let search = db.read(|db| {
            let row = people::table.find(ada.id).select((people::search, people::attributes));
            Ok(row.first::<(String, String)>(db)?)
        });
        let (search, attributes) = search.unwrap();
        for word in ["ada luk", "ada@x.example", "lead", "r&d"] {
            assert!(search.contains(&folded(word)), "{word} in {search}");
        }
        assert_eq!(attributes, r#"{"team":"Red"}"#);
        assert_eq!(
            kinds(&db),
            ["person_joined", "person_joined", "person_joined", "staff_list_imported"]
        );
    }
}

#[test]
fn the_mail_domain_follows_the_address() {
    let domain = |db: &Database, key: &str| {
        let id = person(db, key).id;
        let row = people::table.find(id).select(people::mail_domain);
        db.read(|db| Ok(row.first::<Option<String>>(db)?)).unwrap()
    };
    for db in databases() {
        all(&db, "a,Ada,Ada@X.Example,,,,guest,\nb,Ben,ben@müller.example,,,,,\nc,Cleo,,,,,,\n");
        assert_eq!(domain(&db, "a").as_deref(), Some("x.example"));
        assert_eq!(domain(&db, "b").as_deref(), Some("xn--mller-kva.example"));
        assert_eq!(domain(&db, "c"), None);
        all(&db, "a,Ada,ada@y.example,,,,guest,\nb,Ben,,,,,,\nc,Cleo,c@z.example,,,,,\n");
        assert_eq!(domain(&db, "a").as_deref(), Some("y.example"));
        assert_eq!(domain(&db, "b"), None);
        assert_eq!(domain(&db, "c").as_deref(), Some("z.example"));
    }
}

#[test]
fn managers_come_before_their_people_however_long_the_line_is() {
    // Everybody is managed by the next, in an order that no chunk of a statement follows.
    let rows: String = (0..2_500).map(|i| format!("{i},P{i},,{},,,,\n", i + 1)).collect();
    for db in databases() {
        all(&db, &rows);
        assert_eq!(person(&db, "0").manager_id, Some(person(&db, "1").id));
        assert_eq!(person(&db, "2498").manager_id, Some(person(&db, "2499").id));
        assert_eq!(person(&db, "2499").manager_id, None);
    }
}

#[test]
fn the_same_list_again_changes_nothing_and_records_only_itself() {
    for db in databases() {
        all(&db, &hundred());
        let (people, facts) = state(&db);
        let outcome = import(&db, &hundred(), rules()).unwrap();
        assert_eq!((outcome.unchanged, outcome.joiners, outcome.movers), (100, 0, 0));
        assert_eq!(state(&db), (people, facts + 1));
        assert_eq!(kinds(&db).last().unwrap(), "staff_list_imported");
    }
}

#[test]
fn a_list_that_lacks_a_tenth_is_refused_and_changes_nothing() {
    for db in databases() {
        all(&db, &hundred());
        let before = state(&db);
        let rest = without(&hundred(), 10).replace("Engineer", "Chief") + "new,New,,,,,,\n";
        let Err(Error::Refused(refusal)) = import(&db, &rest, rules()) else { panic!("imported") };
        assert!(refusal.why.ends_with("--allow-leavers 10"), "{}", refusal.why);
        assert_eq!(state(&db), before);
        let outcome = import(&db, &rest, Rules { allow_leavers: 10, ..rules() }).unwrap();
        assert_eq!((outcome.leavers.len(), outcome.movers, outcome.joiners), (10, 90, 1));
    }
}

#[test]
fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    for db in databases() {
        all(&db, &hundred());
        let before = state(&db);
        let rest = without(&hundred(), 2).replace("Engineer", "Chief");
        let dry = import(&db, &rest, Rules { dry_run: true, ..rules() }).unwrap();
        assert_eq!(
            (dry.movers, dry.leavers.clone()),
            (98, vec!["Person 98".into(), "Person 99".into()])
        );
        assert_eq!(state(&db), before);
        assert_eq!(import(&db, &rest, rules()).unwrap(), dry);
    }
}

#[test]
fn a_mover_keeps_who_they_are_and_the_fact_says_what_changed() {
    for db in databases() {
        all(&db, "a,Ada,,,Lead,,,\nb,Ben,,,,,,\n");
        let ada = person(&db, "a");
        grant(&db, ada.id, GlobalRole::Auditor, true).unwrap();
        let outcome = all(&db, "a,Ada Ek,,b,Lead,,,Red\nb,Ben,,,,,,\n");
        assert_eq!((outcome.movers, outcome.unchanged), (1, 1));
        let moved = person(&db, "a");
        assert_eq!((moved.id, moved.auditor, moved.name.as_str()), (ada.id, true, "Ada Ek"));
        assert_eq!(moved.manager_id, Some(person(&db, "b").id));
        let data = db.read(|db| {
            let fact = facts::table.filter(facts::kind.eq("person_moved"));
            Ok(fact
                .select((facts::data, facts::person_name))
                .first::<(String, Option<String>)>(db)?)
        });
        let (data, name) = data.unwrap();
        assert_eq!(name.as_deref(), Some("Ada Ek"));
        for field in ["name", "manager", "team"] {
            assert!(data.contains(&format!(r#""field":"{field}""#)), "{field} in {data}");
        }
    }
}

#[test]
fn the_same_words_for_another_manager_are_stored_and_recorded() {
    for db in databases() {
        all(&db, "a,Ada,,Zoe,,,,\n");
        let outcome = all(&db, "a,Ada,,Zoe,,,,\nz,Zoe,,,,,,\n");
        assert_eq!((outcome.unchanged, outcome.movers, outcome.rewired), (1, 0, 1));
        assert_eq!(person(&db, "a").manager_id, Some(person(&db, "z").id));
        assert!(kinds(&db).contains(&"person_moved".to_owned()));
    }
}

/// Stands for what the slices above do for a leaver.
fn canceled(tx: &mut Tx<'_>, id: PersonId, name: &str) -> Result<()> {
    let row = (facts::table.filter(facts::person_id.eq(id)).filter(facts::kind.eq("person_left")))
        .count()
        .get_result::<i64>(tx.db())?;
    assert_eq!(row, 1, "the fact is there already");
    crate::db::set_setting(tx, "canceled", name)
}

fn failing(_: &mut Tx<'_>, _: PersonId, _: &str) -> Result<()> {
    Err(Error::refused("No", "a slice above cannot"))
}

#[test]
fn a_leaver_is_disabled_loses_sessions_and_roles_and_the_slices_above_hear_of_it() {
    for db in databases() {
        all(&db, &hundred());
        let (stays, leaves) = (person(&db, "p1"), person(&db, "p99"));
        for (key, who) in [("stays", stays.id), ("leaves", leaves.id)] {
            db.write(TEST, move |tx| session(tx, key, who)).unwrap();
        }
        grant(&db, leaves.id, GlobalRole::Administrator, true).unwrap();
        let hooks: Vec<LeaverHook> = vec![canceled];
        import(&db, &without(&hundred(), 1), Rules { hooks, ..rules() }).unwrap();
        let left = person(&db, "p99");
        assert!(!left.enabled && !left.administrator);
        assert_eq!(left.left_at.unwrap(), db.clocks().business.now());
        let ended = db.read(|db| {
            let rows = sessions::table.order(sessions::key_hash);
            Ok(rows.select((sessions::key_hash, sessions::ended_at)).load(db)?)
        });
        let ended: Vec<(String, Option<Ts>)> = ended.unwrap();
        let wall = db.clocks().wall.now();
        assert_eq!(ended, [("leaves".into(), Some(wall)), ("stays".into(), None)]);
        let told = db.read(|db| crate::db::setting(db, "canceled")).unwrap();
        assert_eq!(told.as_deref(), Some("Person 99"));
        let kinds = kinds(&db);
        let last = &kinds[kinds.len() - 3..];
        assert_eq!(last, ["person_left", "global_role_withdrawn", "staff_list_imported"]);
    }
}

#[test]
fn a_slice_above_that_fails_takes_the_whole_import_back() {
    for db in databases() {
        all(&db, &hundred());
        let before = state(&db);
        let rules = Rules { hooks: vec![failing], ..rules() };
        assert!(import(&db, &without(&hundred(), 1), rules).is_err());
        assert_eq!(state(&db), before);
    }
}

#[test]
fn somebody_who_returns_is_the_same_person_without_the_old_roles() {
    let clock = clock();
    for db in databases_on(&clock) {
        all(&db, &hundred());
        let first = person(&db, "p99");
        grant(&db, first.id, GlobalRole::Administrator, true).unwrap();
        all(&db, &without(&hundred(), 1));
        clock.advance(86_400);
        let outcome = all(&db, &hundred());
        assert_eq!((outcome.joiners, outcome.unchanged), (1, 99));
        let back = person(&db, "p99");
        assert_eq!((back.id, back.enabled, back.left_at), (first.id, true, None));
        assert!(!back.administrator);
        let data = db.read(|db| {
            let fact = facts::table.filter(facts::person_id.eq(first.id)).order(facts::id.desc());
            Ok(fact.select(facts::data).first::<String>(db)?)
        });
        assert!(data.unwrap().contains(r#""returned":true"#));
    }
}

#[test]
fn an_administrator_of_the_configuration_stays_without_being_listed() {
    for db in databases() {
        all(&db, &hundred());
        for named in ["p99", "P99@x.example"] {
            let administrators = vec![named.to_owned()];
            let rules = Rules { administrators, ..rules() };
            let outcome = import(&db, &without(&hundred(), 1), rules).unwrap();
            assert!(outcome.leavers.is_empty() && person(&db, "p99").enabled, "{named}");
            let warning = "Person 99 is not in the list and stays, as an administrator";
            assert_eq!(outcome.warnings[0].text, warning);
        }
    }
}

#[test]
fn two_lists_do_not_touch_each_others_people() {
    for db in databases() {
        all(&db, &hundred());
        let (before, _) = state(&db);
        let guests = Rules { source: "guests".into(), ..rules() };
        // The same id in another list is another person, and its first list is not guarded.
        let outcome = import(&db, "p1,Gus,,,,,guest,\n", guests.clone()).unwrap();
        assert_eq!((outcome.joiners, outcome.leavers.len()), (1, 0));
        let (after, _) = state(&db);
        assert_eq!(after.len(), 101);
        assert!(before.iter().all(|person| after.contains(person)));
        import(&db, &hundred(), rules()).unwrap();
        assert_eq!(state(&db).0, after);
        let found = db.read(|db| store::by_external_id(db, "p1")).unwrap();
        assert_eq!(found.len(), 2);
    }
}

#[test]
fn two_imports_at_once_make_everybody_once() {
    for db in databases() {
        let start = Arc::new(std::sync::Barrier::new(4));
        let imports: Vec<_> = (0..4)
            .map(|_| {
                let (db, start) = (db.clone(), Arc::clone(&start));
                std::thread::spawn(move || {
                    start.wait();
                    import(&db, &hundred(), rules()).map(|outcome| outcome.joiners)
                })
            })
            .collect();
        let joiners: usize = imports.into_iter().map(|t| t.join().unwrap().unwrap()).sum();
        assert_eq!((joiners, state(&db).0.len()), (100, 100));
    }
}

#[test]
fn a_change_between_reading_and_writing_is_not_overwritten() {
    for db in databases() {
        all(&db, "a,Ada,,,,,,\n");
        let result = db.write(TEST, |tx| {
            let (_, marks) = store::known(tx.db(), "csv", &[])?;
            let id = *marks.keys().next().unwrap();
            // As if somebody else had committed in between.
            let person = diesel::update(people::table.find(id));
            person.set(people::rev.eq(people::rev + 1)).execute(tx.db())?;
            let entries = feed::read("id,name\na,Ida\n".as_bytes(), &Mapping::default()).unwrap();
            let listed = store::Listed::new(id, "csv", &entries[0], None, tx.now())?;
            store::save_listed(tx.db(), &[listed], &marks)
        });
        // Every try misses, so it gives up without having written.
        assert!(matches!(result, Err(Error::Busy)), "{result:?}");
        assert_eq!(person(&db, "a").name, "Ada");
    }
}

fn members(text: &str) -> Vec<groups_feed::Membership> {
    groups_feed::read(format!("group,member\n{text}").as_bytes()).unwrap()
}

#[test]
fn groups_become_what_the_file_says_and_the_facts_count_it() {
    for db in databases() {
        all(&db, "a,Ada,a@x.example,,,,,\nb,Ben,,,,,,\nc,Cleo,,,,,,\n");
        import::groups(&db, members("Red,a\nRed,b\nBlue,c\n"), vec![], false).unwrap();
        let dry = import::groups(&db, members("red,A@x.example\nred,c\n"), vec![], true).unwrap();
        let done = import::groups(&db, members("red,A@x.example\nred,c\n"), vec![], false).unwrap();
        assert_eq!(dry, done);
        assert_eq!(
            done.summary,
            "0 new groups, 1 changed, 0 unchanged, 1 member added, 1 member removed"
        );
        let groups = db.read(store::groups).unwrap();
        let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
        assert_eq!(names, ["Blue", "Red"]);
        let red = db.read(|db| store::members_of(db, groups[1].id)).unwrap();
        let red: Vec<&str> = red.iter().map(|person| person.external_id.as_str()).collect();
        assert_eq!(red, ["a", "c"]);
        let before = kinds(&db);
        import::groups(&db, members("Red,a\nRed,c\n"), vec![], false).unwrap();
        assert_eq!(kinds(&db), before, "nothing changed, nothing recorded");
    }
}

#[test]
fn a_group_with_a_member_nobody_knows_changes_no_group() {
    for db in databases() {
        all(&db, "a,Ada,,,,,,\n");
        let Err(Error::Invalid(problems)) =
            import::groups(&db, members("Blue,a\nRed,a\nRed,nobody\n"), vec![], false)
        else {
            panic!("imported")
        };
        assert!(problems[0].text.starts_with("line 4: nobody has the id or mail \"nobody\""));
        let rows = db.read(|db| Ok(group_members::table.count().get_result::<i64>(db)?));
        assert_eq!((rows.unwrap(), db.read(store::groups).unwrap().len()), (0, 0));
    }
}

#[test]
fn a_mail_that_went_from_a_leaver_to_somebody_else_means_the_one_who_is_there() {
    for db in databases() {
        all(&db, "a,Ada,desk@x.example,,,,,\nb,Ben,,,,,,\n");
        all(&db, "b,Ben,desk@x.example,,,,,\n");
        import::groups(&db, members("Red,desk@x.example\nRed,a\n"), vec![], false).unwrap();
        let red = db.read(store::groups).unwrap()[0].id;
        let there = db.read(|db| store::members_of(db, red)).unwrap();
        assert_eq!(there.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["Ben"]);
        let gone = person(&db, "a").id;
        assert_eq!(db.read(|db| store::group_ids_of(db, gone)).unwrap(), [red]);
    }
}

#[test]
fn people_are_found_by_what_they_are_called_exactly() {
    for db in databases() {
        all(
            &db,
            "a,Ada Ek,ada@x.example,b,,,,\nb,Ben,a2@x.example,,,,,\nx,Ben,,b,,,,\nBen,Cleo,,,,,,\n",
        );
        let find = |text: &str| {
            let found = db.read(|db| store::find_exact(db, text)).unwrap();
            found.into_iter().map(|person| person.external_id).collect::<Vec<_>>()
        };
        assert_eq!(find("a"), ["a"]);
        assert_eq!(find("ADA@x.example"), ["a"]);
        assert_eq!(find(" Ada  Ek "), ["a"]);
        assert_eq!(find("Ben"), ["Ben"], "an id goes before a name");
        assert_eq!(find("Ada"), Vec::<String>::new());
        assert_eq!(find("%"), Vec::<String>::new());
        assert_eq!(find(""), Vec::<String>::new());
        all(&db, "a,Ada Ek,ada@x.example,b,,,,\nb,Ben,a2@x.example,,,,,\nx,Ben,,b,,,,\n");
        assert_eq!(find("Ben"), ["b", "x"]);
        let boss = person(&db, "b").id;
        let ada = person(&db, "a").id;
        assert_eq!(db.read(|db| store::manager_of(db, ada)).unwrap().unwrap().id, boss);
        assert_eq!(db.read(|db| store::manager_of(db, boss)).unwrap(), None);
        let reports = db.read(|db| store::reports_of(db, boss)).unwrap();
        assert_eq!(reports.iter().map(|p| p.id).collect::<Vec<_>>(), [ada, person(&db, "x").id]);
        let gone = person(&db, "Ben").id;
        let names = db.read(|db| store::names(db, &[ada, gone])).unwrap();
        assert_eq!((names[&ada].as_str(), names[&gone].as_str()), ("Ada Ek", "Cleo"));
        assert!(matches!(db.read(|db| store::person(db, PersonId::fresh())), Err(Error::Missing)));
    }
}

fn grant(db: &Database, id: PersonId, role: GlobalRole, on: bool) -> Result<bool> {
    db.write(TEST, move |tx| {
        let permit = run_system(tx.actor())?;
        commands::grant_role(tx, &permit, id, role, on)
    })
}

#[test]
fn a_role_is_given_once_and_recorded_and_not_to_somebody_who_left() {
    for db in databases() {
        all(&db, "a,Ada,,,,,,\nb,Ben,,,,,,\n");
        all(&db, "a,Ada,,,,,,\n");
        let (ada, ben) = (person(&db, "a").id, person(&db, "b").id);
        assert!(grant(&db, ada, GlobalRole::Administrator, true).unwrap());
        assert!(!grant(&db, ada, GlobalRole::Administrator, true).unwrap());
        assert!(person(&db, "a").administrator && !person(&db, "a").auditor);
        assert!(grant(&db, ada, GlobalRole::Administrator, false).unwrap());
        assert!(!person(&db, "a").administrator);
        let kinds = kinds(&db);
        assert_eq!(kinds[kinds.len() - 2..], ["global_role_granted", "global_role_withdrawn"]);
        let refused = grant(&db, ben, GlobalRole::Auditor, true);
        assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
        let nobody = grant(&db, PersonId::fresh(), GlobalRole::Auditor, true);
        assert!(matches!(nobody, Err(Error::Missing)), "{nobody:?}");
    }
}

fn session(tx: &mut Tx<'_>, key: &str, person: PersonId) -> Result<()> {
    let now = tx.wall();
    let row = (
        sessions::key_hash.eq(key),
        sessions::person_id.eq(person),
        sessions::state.eq("{}"),
        sessions::created_at.eq(now),
        sessions::expires_at.eq(now.plus_hours(1)),
    );
    diesel::insert_into(sessions::table).values(row).execute(tx.db())?;
    Ok(())
}
