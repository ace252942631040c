use diesel::prelude::*;
use proptest::prelude::*;

use super::{all_errors, read, write};
use crate::db::Database;
use crate::db::schema::connected_organizations as organizations;
use crate::db::testing::databases;
use crate::delegation::testing::{BY, group, member};
use crate::kernel::text::folded;
use crate::kernel::{GroupId, OrganizationId, PersonId};
use crate::policies::model::{Asks, Extension, Lifetime, Named, Notices, Scope, Terms};
use crate::policies::questions::{Kind, Pattern, Question, ShownIf};
use crate::policies::stages::{Alternates, Approvers, Condition, StageTerms, Unit, Votes};
use crate::policies::{rules, store};
use crate::web::Form;

/// Those whom terms can name.
struct World {
    people: Vec<Named<PersonId>>,
    groups: Vec<Named<GroupId>>,
    organizations: Vec<Named<OrganizationId>>,
}

impl World {
    fn on(db: &Database) -> Self {
        let person = |name: &str| Named { id: member(db, name), name: name.to_owned() };
        let people: Vec<_> = ["Ann Lee", "Sam Po", "Sam Po"].map(person).into();
        let ids: Vec<_> = people.iter().map(|p| p.id).collect();
        let team = |name: &str| Named { id: group(db, name, &ids), name: name.to_owned() };
        let organization = |name: &'static str| {
            let id = OrganizationId::fresh();
            db.write(BY, move |tx| {
                let now = tx.now();
                diesel::insert_into(organizations::table)
                    .values((
                        organizations::id.eq(id),
                        organizations::name.eq(name),
                        organizations::name_key.eq(folded(name)),
                        organizations::description.eq(""),
                        organizations::enabled.eq(true),
                        organizations::rev.eq(1),
                        organizations::created_at.eq(now),
                    ))
                    .execute(tx.db())?;
                Ok(())
            })
            .expect("an organization");
            Named { id, name: name.to_owned() }
        };
        Self {
            people,
            groups: ["Team", "Controllers"].map(team).into(),
            organizations: ["Hartwell & Co.", "Ober"].map(organization).into(),
        }
    }
}

fn some<T: Clone + std::fmt::Debug + 'static>(of: &[T]) -> impl Strategy<Value = Vec<T>> + use<T> {
    proptest::sample::subsequence(of.to_vec(), 0..=of.len())
}

fn stage(world: &World, keys: Vec<String>) -> impl Strategy<Value = StageTerms> + use<> {
    let (people, groups) = (world.people.clone(), world.groups.clone());
    let approvers = prop_oneof![
        Just(Approvers::Manager),
        Just(Approvers::SecondManager),
        Just(Approvers::Sponsors),
        (some(&people), some(&groups))
            .prop_map(|(people, groups)| Approvers::Named { people, groups }),
    ];
    let votes = prop_oneof![
        Just(Votes::Any),
        (2..9_u32).prop_map(|n| Votes::Some { n }),
        Just(Votes::Everyone)
    ];
    let unit = prop_oneof![Just(Unit::Days), Just(Unit::Hours)];
    let alternates = (1..9_u32, some(&people), some(&groups), any::<bool>()).prop_map(
        |(after, people, groups, second_manager)| Alternates {
            after,
            people,
            groups,
            second_manager,
        },
    );
    let question = if keys.is_empty() { vec!["gone".to_owned()] } else { keys };
    let condition = prop_oneof![
        Just(Condition::Guests),
        (1..99_u32).prop_map(|days| Condition::LongerThan { days }),
        proptest::sample::select(question).prop_map(|question| Condition::Answer {
            question,
            any_of: vec!["Yes".into(), "No, never".into()]
        }),
    ];
    let alternates = proptest::option::of(alternates);
    let condition = proptest::option::of(condition);
    (approvers, votes, some(&people), 1..99_u32, unit, alternates, condition, any::<bool>())
        .prop_map(|(approvers, votes, fallback, time, unit, alternates, only_if, note)| {
            let one = matches!(approvers, Approvers::Manager | Approvers::SecondManager);
            let votes = match votes {
                // The rules take no number of managers.
                Votes::Some { .. } if one => Votes::Any,
                votes => votes,
            };
            StageTerms {
                approvers,
                votes,
                fallback,
                time,
                unit,
                alternates,
                only_if,
                note_required: note,
            }
        })
}

fn question(key: String) -> impl Strategy<Value = Question> {
    let choices = || vec!["Yes".to_owned(), "No, never".to_owned()];
    let pattern = Pattern { regex: "[A-Z]{2}=\"<".into(), message: "Like AB".into() };
    let bound = || proptest::option::of(-9..9_i64);
    let answer = prop_oneof![
        Just(Kind::Short { pattern: None }),
        Just(Kind::Short { pattern: Some(pattern) }),
        Just(Kind::Long),
        Just(Kind::One { choices: choices() }),
        Just(Kind::Many { choices: choices() }),
        Just(Kind::Date),
        (bound(), bound()).prop_map(|(min, max)| Kind::Number { min, max }),
    ];
    let shown = ShownIf { question: "q0".into(), any_of: vec!["Yes".into()] };
    let shown = if key == "q0" { None } else { Some(shown) };
    let hint = prop_oneof![Just(String::new()), Just("Two\nlines".to_owned())];
    (answer, any::<bool>(), any::<bool>(), hint).prop_map(
        move |(answer, required, always, hint)| Question {
            key: key.clone(),
            text: format!("What of {key}?"),
            hint,
            answer,
            required,
            shown_if: if always { None } else { shown.clone() },
        },
    )
}

fn terms(world: &World) -> impl Strategy<Value = Terms> + use<> {
    let (people, groups) = (world.people.clone(), world.groups.clone());
    let scope = (any::<[bool; 3]>(), some(&people), some(&groups), some(&world.organizations))
        .prop_map(
            |([all_members, all_users, all_organizations], people, groups, organizations)| Scope {
                all_members,
                all_users,
                all_organizations,
                people,
                groups,
                organizations,
            },
        );
    let asks = (any::<[bool; 3]>(), some(&people), some(&groups)).prop_map(
        |([own, manager, direct], people, groups)| Asks { own, manager, direct, people, groups },
    );
    let stages = proptest::collection::vec(stage(world, vec!["q0".into()]), 0..=3);
    let questions = (0..=20_usize)
        .prop_flat_map(|n| (0..n).map(|n| question(format!("q{n}"))).collect::<Vec<_>>());
    let date = chrono::NaiveDate::from_ymd_opt(2027, 2, 28).expect("a day");
    let lifetime = prop_oneof![
        Just(Lifetime::Until { date }),
        (1..99_u32).prop_map(|days| Lifetime::Days { days }),
        (1..99_u32).prop_map(|hours| Lifetime::Hours { hours }),
        Just(Lifetime::Never),
    ];
    let extension = (any::<bool>(), proptest::option::of(1..99_u32))
        .prop_map(|(approval, last_days)| Extension { approval, last_days });
    let extension = proptest::option::of(extension);
    let switches = any::<[bool; 6]>();
    (scope, asks, stages, questions, lifetime, extension, switches).prop_map(
        |(scope, asks, stages, questions, lifetime, extension, on)| Terms {
            scope,
            asks,
            stages,
            decides_twice: on[0],
            reason_required: on[1],
            questions,
            lifetime,
            period_chosen: on[2],
            extension,
            exception: vec![],
            notices: Notices { delivered: on[3], ending: on[4], ended: on[5] },
        },
    )
}

/// The terms without the names, as a form is read.
fn nameless(terms: &Terms) -> Terms {
    fn bare(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(map) if map.len() == 2 && map.contains_key("id") => {
                map.insert("name".into(), "".into());
            }
            serde_json::Value::Object(map) => map.values_mut().for_each(bare),
            serde_json::Value::Array(all) => all.iter_mut().for_each(bare),
            _ => {}
        }
    }
    let mut json = serde_json::to_value(terms).expect("json");
    bare(&mut json);
    serde_json::from_value(json).expect("terms")
}

#[test]
fn whatever_a_policy_says_the_form_says_and_reads_back() {
    for db in databases() {
        let world = World::on(&db);
        let config = ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() };
        let mut runner = proptest::test_runner::TestRunner::new(config);
        let outcome = runner.run(&terms(&world), |terms| {
            let form = db.read(|db| write(db, "Standard", &terms)).expect("written");
            // As a browser sends it, through the preview and back.
            let form = Form::parse(form.encoded().as_bytes());
            let draft = db.read(|db| read(db, &form)).expect("read");
            prop_assert_eq!(&draft.errors, &[]);
            prop_assert_eq!(draft.name, "Standard");
            prop_assert_eq!(draft.terms, nameless(&terms));
            Ok(())
        });
        outcome.expect("every policy round trips");
    }
}

#[test]
fn errors_stand_at_the_fields_of_the_form_whatever_was_left_out_before_them() {
    for db in databases() {
        let form = Form::of([
            ("name", "P"),
            ("members", "yes"),
            ("own", "yes"),
            ("stage1", "none"),
            ("stage3", "manager"),
            ("stage3-time", "0"),
            ("stage3-if", "answer:nowhere"),
            ("question4-key", "k"),
            ("question4-text", "Which?"),
            ("question4-kind", "one"),
            ("question4-choices", "Only one"),
            ("question7-key", "k2"),
            ("question7-text", "How many?"),
            ("question7-kind", "number"),
            ("question7-min", "9"),
            ("question7-max", "1"),
            ("organizations", "Nobody Ltd."),
            ("lifetime", "never"),
            ("extension", "free"),
            ("extension-days", "soon"),
        ]);
        let today = chrono::NaiveDate::from_ymd_opt(2026, 3, 2).expect("a day");
        let errors = db
            .read(|db| {
                let draft = read(db, &form)?;
                let known = store::known(db, &rules::named(&draft.terms))?;
                let wrong = rules::policy(&draft.name, &draft.terms, &known, today).err();
                Ok(all_errors(&draft, wrong.unwrap_or_default()))
            })
            .expect("read");
        let fields: Vec<_> = errors.iter().map(|e| e.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "organizations",
                "stage3-time",
                "stage3-fallback",
                "stage3-if",
                "question4-choices",
                "question7-min",
                "extension-days",
            ]
        );
    }
}
