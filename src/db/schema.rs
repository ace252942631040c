#![expect(missing_docs, reason = "the migrations describe the tables")]
//! The tables, in the logical types of `columns.rs`. A test compares them with both databases.

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    settings (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    people (id) {
        id -> Uid,
        source -> Text,
        external_id -> Text,
        name -> Text,
        mail -> Nullable<Text>,
        title -> Nullable<Text>,
        department -> Nullable<Text>,
        kind -> Text,
        manager_id -> Nullable<Uid>,
        manager_written -> Nullable<Text>,
        attributes -> Text,
        administrator -> Bool,
        auditor -> Bool,
        enabled -> Bool,
        left_at -> Nullable<Stamp>,
        issuer -> Nullable<Text>,
        subject -> Nullable<Text>,
        search -> Text,
        rev -> BigInt,
        created_at -> Stamp,
        mail_domain -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    groups (id) {
        id -> Uid,
        name -> Text,
        name_key -> Text,
        rev -> BigInt,
        created_at -> Stamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    group_members (group_id, person_id) {
        group_id -> Uid,
        person_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    connected_organizations (id) {
        id -> Uid,
        name -> Text,
        name_key -> Text,
        description -> Text,
        enabled -> Bool,
        rev -> BigInt,
        created_at -> Stamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    organization_domains (domain) {
        domain -> Text,
        organization_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    organization_sponsors (organization_id, person_id) {
        organization_id -> Uid,
        person_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    catalogs (id) {
        id -> Uid,
        name -> Text,
        name_key -> Text,
        description -> Text,
        enabled -> Bool,
        listed_for_everyone -> Bool,
        rev -> BigInt,
        created_at -> Stamp,
        for_guests -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    role_grants (id) {
        id -> Uid,
        catalog_id -> Uid,
        role -> Text,
        person_id -> Nullable<Uid>,
        group_id -> Nullable<Uid>,
        created_at -> Stamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    resources (id) {
        id -> Uid,
        catalog_id -> Uid,
        target -> Text,
        address -> Text,
        name -> Text,
        description -> Text,
        managed_here -> Bool,
        rev -> BigInt,
        created_at -> Stamp,
        attributes -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    resource_roles (id) {
        id -> Uid,
        resource_id -> Uid,
        name -> Text,
        value -> Text,
        risk -> Text,
        created_at -> Stamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    packages (id) {
        id -> Uid,
        catalog_id -> Uid,
        name -> Text,
        name_key -> Text,
        description -> Text,
        hidden -> Bool,
        contents_version -> BigInt,
        search -> Text,
        rev -> BigInt,
        created_at -> Stamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    package_roles (package_id, role_id) {
        package_id -> Uid,
        role_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    policies (id) {
        id -> Uid,
        package_id -> Uid,
        name -> Text,
        version -> BigInt,
        enabled -> Bool,
        terms -> Text,
        rev -> BigInt,
        created_at -> Stamp,
        asks_own -> Bool,
        asks_manager -> Bool,
        deleted_at -> Nullable<Stamp>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    policy_versions (policy_id, version) {
        policy_id -> Uid,
        version -> BigInt,
        name -> Text,
        terms -> Text,
        made_at -> Stamp,
        made_by -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    policy_scopes (id) {
        id -> Uid,
        policy_id -> Uid,
        package_id -> Uid,
        kind -> Text,
        person_id -> Nullable<Uid>,
        group_id -> Nullable<Uid>,
        organization_id -> Nullable<Uid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    requests (id) {
        id -> Uid,
        reference -> Text,
        package_id -> Uid,
        policy_id -> Uid,
        policy_version -> BigInt,
        terms -> Text,
        contents_version -> BigInt,
        requestor_id -> Uid,
        target_id -> Uid,
        reason -> Text,
        starts_at -> Nullable<Stamp>,
        ends_at -> Nullable<Stamp>,
        state -> Text,
        stage -> BigInt,
        due_at -> Nullable<Stamp>,
        previous_id -> Nullable<Uid>,
        created_at -> Stamp,
        decided_at -> Nullable<Stamp>,
        ended_at -> Nullable<Stamp>,
        rev -> BigInt,
        kind -> Text,
        answers -> Text,
        assignment_id -> Nullable<Uid>,
        basket_id -> Nullable<Uid>,
        held_at -> Nullable<Stamp>,
        reminded_at -> Nullable<Stamp>,
        asked_at -> Nullable<Stamp>,
        asked_by -> Nullable<Uid>,
        undo_until -> Nullable<Stamp>,
        exception -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    request_stages (id) {
        id -> Uid,
        request_id -> Uid,
        number -> BigInt,
        state -> Text,
        opened_at -> Stamp,
        due_at -> Stamp,
        decided_by -> Nullable<Uid>,
        decided_at -> Nullable<Stamp>,
        note -> Nullable<Text>,
        rev -> BigInt,
        rule -> Text,
        needed -> BigInt,
        alternates_at -> Nullable<Stamp>,
        remind_at -> Nullable<Stamp>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    stage_approvers (stage_id, person_id) {
        stage_id -> Uid,
        person_id -> Uid,
        request_id -> Uid,
        via -> Text,
        opened_at -> Stamp,
        waiting -> Bool,
        removed -> Bool,
        group_id -> Nullable<Uid>,
        vote -> Nullable<Text>,
        voted_at -> Nullable<Stamp>,
        note -> Nullable<Text>,
        voted_by -> Nullable<Uid>,
        passed_by -> Nullable<Uid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    assignments (id) {
        id -> Uid,
        request_id -> Nullable<Uid>,
        package_id -> Uid,
        policy_id -> Uid,
        target_id -> Uid,
        starts_at -> Stamp,
        started_at -> Nullable<Stamp>,
        ends_at -> Nullable<Stamp>,
        ended_at -> Nullable<Stamp>,
        end_reason -> Nullable<Text>,
        rev -> BigInt,
        created_at -> Stamp,
        attributes -> Text,
        warn_at -> Nullable<Stamp>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    rights (id) {
        id -> Uid,
        person_id -> Uid,
        role_id -> Uid,
        wanted -> Bool,
        state -> Text,
        held_before -> Nullable<Bool>,
        generation -> BigInt,
        asked_at -> Stamp,
        confirmed_at -> Nullable<Stamp>,
        attempts -> BigInt,
        next_at -> Nullable<Stamp>,
        trouble -> Nullable<Text>,
        trouble_code -> Nullable<Text>,
        overdue_told -> Bool,
        lease_until -> Nullable<Stamp>,
        fence -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    assignment_rights (assignment_id, right_id) {
        assignment_id -> Uid,
        right_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    facts (id) {
        id -> Uid,
        seq -> Nullable<BigInt>,
        at -> Stamp,
        due_at -> Nullable<Stamp>,
        kind -> Text,
        family -> Text,
        failed -> Bool,
        actor_id -> Nullable<Uid>,
        actor_name -> Text,
        person_id -> Nullable<Uid>,
        person_name -> Nullable<Text>,
        package_id -> Nullable<Uid>,
        package_name -> Nullable<Text>,
        catalog_id -> Nullable<Uid>,
        catalog_name -> Nullable<Text>,
        request_id -> Nullable<Uid>,
        reference -> Nullable<Text>,
        assignment_id -> Nullable<Uid>,
        resource_name -> Nullable<Text>,
        note -> Nullable<Text>,
        data -> Text,
        search -> Text,
        dispatched_at -> Nullable<Stamp>,
        review_id -> Nullable<Uid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    stops (id) {
        id -> Uid,
        catalog_id -> Nullable<Uid>,
        package_id -> Nullable<Uid>,
        policy_id -> Nullable<Uid>,
        reason -> Text,
        stopped_by -> Text,
        stopped_at -> Stamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    request_drafts (person_id, target_id, package_id) {
        person_id -> Uid,
        target_id -> Uid,
        package_id -> Uid,
        form -> Text,
        in_basket -> Bool,
        updated_at -> Stamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    notices (id) {
        id -> Uid,
        fact_id -> Uid,
        channel -> Text,
        person_id -> Uid,
        sentence -> Text,
        link -> Text,
        at -> Stamp,
        reader -> Text,
        read_at -> Nullable<Stamp>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    mails (notice_id) {
        notice_id -> Uid,
        state -> Text,
        attempts -> BigInt,
        since -> Stamp,
        next_at -> Stamp,
        fence -> BigInt,
        trouble -> Nullable<Text>,
        sent_at -> Nullable<Stamp>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    sessions (key_hash) {
        key_hash -> Text,
        person_id -> Nullable<Uid>,
        state -> Text,
        csrf -> Nullable<Text>,
        created_at -> Stamp,
        expires_at -> Stamp,
        ended_at -> Nullable<Stamp>,
        draft_path -> Nullable<Text>,
        draft -> Nullable<Text>,
        agent -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    stand_ins (id) {
        id -> Uid,
        person_id -> Uid,
        stand_in_id -> Uid,
        starts_at -> Stamp,
        ends_at -> Stamp,
        ended_at -> Nullable<Stamp>,
        all_packages -> Bool,
        rev -> BigInt,
        created_at -> Stamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    stand_in_packages (period_id, package_id) {
        period_id -> Uid,
        package_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    incompatibilities (id) {
        id -> Uid,
        package_id -> Uid,
        other_package_id -> Nullable<Uid>,
        group_id -> Nullable<Uid>,
        mutual -> Bool,
        reason -> Text,
        created_at -> Stamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    profiles (person_id) {
        person_id -> Uid,
        time_zone -> Nullable<Text>,
        mail -> Text,
        shortcuts -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    leases (name) {
        name -> Text,
        holder -> Text,
        until -> Stamp,
        fence -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    reviews (id) {
        id -> Uid,
        name -> Text,
        name_key -> Text,
        catalog_id -> Nullable<Uid>,
        policy_id -> Nullable<Uid>,
        terms -> Text,
        number -> BigInt,
        next_at -> Nullable<Stamp>,
        ended_at -> Nullable<Stamp>,
        rev -> BigInt,
        created_at -> Stamp,
        created_by -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    review_instances (id) {
        id -> Uid,
        review_id -> Uid,
        number -> BigInt,
        name -> Text,
        catalog_id -> Nullable<Uid>,
        terms -> Text,
        state -> Text,
        stage -> BigInt,
        starts_at -> Stamp,
        opened_at -> Nullable<Stamp>,
        due_at -> Stamp,
        source_count -> Nullable<BigInt>,
        item_count -> BigInt,
        trouble -> Nullable<Text>,
        reached -> Nullable<Uid>,
        remind_at -> Nullable<Stamp>,
        looked_at -> Stamp,
        closed_at -> Nullable<Stamp>,
        silence -> Nullable<Text>,
        closed_by -> Nullable<Uid>,
        pace -> Nullable<BigInt>,
        completed_at -> Nullable<Stamp>,
        rev -> BigInt,
        created_at -> Stamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    review_pools (id) {
        id -> Uid,
        instance_id -> Uid,
        stage -> BigInt,
        pool_key -> Text,
        via -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    review_reviewers (pool_id, person_id) {
        pool_id -> Uid,
        person_id -> Uid,
        instance_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    review_rows (id) {
        id -> Uid,
        list_id -> Uid,
        review_id -> Uid,
        person_id -> Nullable<Uid>,
        holder -> Text,
        access_id -> Uid,
        access_name -> Text,
        about -> Nullable<Text>,
        since -> Nullable<Stamp>,
        risk -> Text,
        role_id -> Nullable<Uid>,
        given_by -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    review_items (id) {
        id -> Uid,
        instance_id -> Uid,
        pool_id -> Uid,
        assignment_id -> Nullable<Uid>,
        row_id -> Nullable<Uid>,
        person_id -> Uid,
        person_name -> Text,
        department -> Nullable<Text>,
        access_id -> Uid,
        access_name -> Text,
        catalog_id -> Nullable<Uid>,
        risk -> Text,
        since -> Stamp,
        ends_at -> Nullable<Stamp>,
        request_id -> Nullable<Uid>,
        context -> Text,
        recommendation -> Nullable<Text>,
        changed -> Bool,
        answer -> Nullable<Text>,
        until_at -> Nullable<Stamp>,
        note -> Nullable<Text>,
        answered_by -> Nullable<Uid>,
        answered_for -> Nullable<Uid>,
        answered_at -> Nullable<Stamp>,
        first_answer -> Nullable<Text>,
        batch_id -> Nullable<Uid>,
        reply -> Nullable<Text>,
        outcome -> Nullable<Text>,
        apply_at -> Nullable<Stamp>,
        applied_at -> Nullable<Stamp>,
        undone_by -> Nullable<Uid>,
        rev -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    review_answers (id) {
        id -> Uid,
        item_id -> Uid,
        instance_id -> Uid,
        at -> Stamp,
        person_id -> Uid,
        instead_of -> Nullable<Uid>,
        answer -> Text,
        until_at -> Nullable<Stamp>,
        note -> Nullable<Text>,
        passed_to -> Nullable<Uid>,
        batch_id -> Nullable<Uid>,
        advised -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    review_proofs (item_id) {
        item_id -> Uid,
        instance_id -> Uid,
        at -> Stamp,
        person_id -> Uid,
        proof -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    review_signoffs (instance_id, person_id) {
        instance_id -> Uid,
        person_id -> Uid,
        at -> Stamp,
        kept -> BigInt,
        removed -> BigInt,
        shortened -> BigInt,
        unknown -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::columns::{Stamp, Uid};

    description_tasks (id) {
        id -> Uid,
        package_id -> Uid,
        instance_id -> Uid,
        asked_at -> Stamp,
        done_at -> Nullable<Stamp>,
    }
}

diesel::joinable!(group_members -> groups (group_id));
diesel::joinable!(group_members -> people (person_id));
diesel::joinable!(organization_domains -> connected_organizations (organization_id));
diesel::joinable!(organization_sponsors -> connected_organizations (organization_id));
diesel::joinable!(organization_sponsors -> people (person_id));
diesel::joinable!(role_grants -> catalogs (catalog_id));
diesel::joinable!(role_grants -> people (person_id));
diesel::joinable!(role_grants -> groups (group_id));
diesel::joinable!(resources -> catalogs (catalog_id));
diesel::joinable!(resource_roles -> resources (resource_id));
diesel::joinable!(packages -> catalogs (catalog_id));
diesel::joinable!(package_roles -> packages (package_id));
diesel::joinable!(package_roles -> resource_roles (role_id));
diesel::joinable!(policies -> packages (package_id));
diesel::joinable!(policy_versions -> policies (policy_id));
diesel::joinable!(policy_scopes -> policies (policy_id));
diesel::joinable!(policy_scopes -> packages (package_id));
diesel::joinable!(policy_scopes -> people (person_id));
diesel::joinable!(policy_scopes -> groups (group_id));
diesel::joinable!(requests -> packages (package_id));
diesel::joinable!(requests -> policies (policy_id));
diesel::joinable!(request_stages -> requests (request_id));
diesel::joinable!(request_stages -> people (decided_by));
diesel::joinable!(stage_approvers -> request_stages (stage_id));
diesel::joinable!(stage_approvers -> people (person_id));
diesel::joinable!(stage_approvers -> requests (request_id));
diesel::joinable!(assignments -> requests (request_id));
diesel::joinable!(assignments -> packages (package_id));
diesel::joinable!(assignments -> policies (policy_id));
diesel::joinable!(assignments -> people (target_id));
diesel::joinable!(rights -> people (person_id));
diesel::joinable!(rights -> resource_roles (role_id));
diesel::joinable!(assignment_rights -> assignments (assignment_id));
diesel::joinable!(assignment_rights -> rights (right_id));
diesel::joinable!(notices -> facts (fact_id));
diesel::joinable!(notices -> people (person_id));
diesel::joinable!(mails -> notices (notice_id));
diesel::joinable!(sessions -> people (person_id));
diesel::joinable!(stand_ins -> people (person_id));
diesel::joinable!(stand_in_packages -> stand_ins (period_id));
diesel::joinable!(stand_in_packages -> packages (package_id));
diesel::joinable!(incompatibilities -> packages (package_id));
diesel::joinable!(incompatibilities -> groups (group_id));
diesel::joinable!(profiles -> people (person_id));
diesel::joinable!(reviews -> catalogs (catalog_id));
diesel::joinable!(reviews -> policies (policy_id));
diesel::joinable!(reviews -> people (created_by));
diesel::joinable!(review_instances -> reviews (review_id));
diesel::joinable!(review_instances -> catalogs (catalog_id));
diesel::joinable!(review_instances -> people (closed_by));
diesel::joinable!(review_pools -> review_instances (instance_id));
diesel::joinable!(review_reviewers -> review_pools (pool_id));
diesel::joinable!(review_reviewers -> people (person_id));
diesel::joinable!(review_reviewers -> review_instances (instance_id));
diesel::joinable!(review_rows -> reviews (review_id));
diesel::joinable!(review_rows -> people (person_id));
diesel::joinable!(review_rows -> resource_roles (role_id));
diesel::joinable!(review_items -> review_instances (instance_id));
diesel::joinable!(review_items -> review_rows (row_id));
diesel::joinable!(review_items -> review_pools (pool_id));
diesel::joinable!(review_items -> assignments (assignment_id));
diesel::joinable!(review_items -> people (person_id));
diesel::joinable!(review_items -> catalogs (catalog_id));
diesel::joinable!(review_items -> requests (request_id));
diesel::joinable!(review_answers -> review_items (item_id));
diesel::joinable!(review_answers -> review_instances (instance_id));
diesel::joinable!(review_proofs -> review_items (item_id));
diesel::joinable!(review_proofs -> people (person_id));
diesel::joinable!(review_signoffs -> review_instances (instance_id));
diesel::joinable!(review_signoffs -> people (person_id));
diesel::joinable!(description_tasks -> packages (package_id));
diesel::joinable!(description_tasks -> review_instances (instance_id));

diesel::allow_columns_to_appear_in_same_group_by_clause!(
    people::department,
    assignments::package_id
);

diesel::allow_tables_to_appear_in_same_query!(
    settings,
    people,
    groups,
    group_members,
    connected_organizations,
    organization_domains,
    organization_sponsors,
    catalogs,
    role_grants,
    resources,
    resource_roles,
    packages,
    package_roles,
    policies,
    policy_versions,
    policy_scopes,
    requests,
    request_stages,
    stage_approvers,
    assignments,
    rights,
    assignment_rights,
    facts,
    notices,
    mails,
    request_drafts,
    stops,
    sessions,
    leases,
    stand_ins,
    stand_in_packages,
    incompatibilities,
    profiles,
    reviews,
    review_instances,
    review_pools,
    review_reviewers,
    review_rows,
    review_items,
    review_answers,
    review_proofs,
    review_signoffs,
    description_tasks,
);
