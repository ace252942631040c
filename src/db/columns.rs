//! Logical column types over both databases (decision E4):
//! `Uid` is UUID on PostgreSQL and lower-case text on SQLite,
//! `Stamp` is TIMESTAMPTZ on PostgreSQL and fixed-width UTC text on SQLite, which sorts as text.

use std::io::Write;

use chrono::{DateTime, Datelike as _, NaiveDateTime, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{HasSqlType, SqlType, Text, Timestamptz};
use diesel::sqlite::Sqlite;

use super::backend::{MultiBackend, MultiRawValue};
use crate::kernel::{
    AccessId, AnswerBatchId, AnswerId, AssignmentId, BasketId, CatalogId, DescriptionTaskId,
    FactId, GroupId, IncompatibilityId, NoticeId, OrganizationId, PackageId, PersonId, PolicyId,
    PolicyScopeId, RequestId, ResourceId, ReviewId, ReviewInstanceId, ReviewItemId, ReviewListId,
    ReviewPoolId, ReviewRowId, RightId, RoleGrantId, RoleId, StageId, StandInId, StopId, Ts,
};

/// An id.
#[derive(SqlType, QueryId, Clone, Copy, Debug)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951))]
#[diesel(sqlite_type(name = "Text"))]
pub struct Uid;

/// An instant in UTC with microseconds.
#[derive(SqlType, QueryId, Clone, Copy, Debug)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
#[diesel(sqlite_type(name = "Text"))]
pub struct Stamp;

impl HasSqlType<Uid> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        MultiBackend::lookup_sql_type::<Uid>(lookup)
    }
}

impl HasSqlType<Stamp> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        MultiBackend::lookup_sql_type::<Stamp>(lookup)
    }
}

/// Fixed width, so that the order of the text is the order of time.
const STAMP_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.6fZ";

mod stamp {
    use super::{AsExpression, FromSqlRow, Stamp, Ts};

    #[derive(AsExpression, FromSqlRow)]
    #[diesel(foreign_derive)]
    #[diesel(sql_type = Stamp)]
    #[expect(dead_code, reason = "carries the derive for a type that must not know diesel")]
    struct Proxy(Ts);
}

impl ToSql<Stamp, Pg> for Ts {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Timestamptz, Pg>::to_sql(&self.utc(), &mut out.reborrow())
    }
}

impl ToSql<Stamp, Sqlite> for Ts {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        // Of other years the text would not sort as the time does.
        if !(0..=9999).contains(&self.utc().year()) {
            return Err("a time of a year with more than four digits".into());
        }
        out.set_value(self.utc().format(STAMP_FORMAT).to_string());
        Ok(IsNull::No)
    }
}

impl ToSql<Stamp, MultiBackend> for Ts {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Stamp, self));
        Ok(IsNull::No)
    }
}

impl FromSql<Stamp, Pg> for Ts {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        <DateTime<Utc> as FromSql<Timestamptz, Pg>>::from_sql(bytes).map(Ts::new)
    }
}

impl FromSql<Stamp, Sqlite> for Ts {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
        Ok(Ts::new(NaiveDateTime::parse_from_str(&text, STAMP_FORMAT)?.and_utc()))
    }
}

impl FromSql<Stamp, MultiBackend> for Ts {
    fn from_sql(value: MultiRawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Ts, Stamp>()
    }
}

/// Lets the id types stand in `Uid` columns.
macro_rules! id_columns {
    ($($module:ident $name:ident),* $(,)?) => {$(
        mod $module {
            use super::{AsExpression, FromSqlRow, $name, Uid};

            #[derive(AsExpression, FromSqlRow)]
            #[diesel(foreign_derive)]
            #[diesel(sql_type = Uid)]
            #[expect(dead_code, reason = "carries the derive for a type that must not know diesel")]
            struct Proxy($name);
        }

        impl ToSql<Uid, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                out.write_all(self.0.as_bytes())?;
                Ok(IsNull::No)
            }
        }

        impl ToSql<Uid, Sqlite> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
                out.set_value(self.to_string());
                Ok(IsNull::No)
            }
        }

        impl ToSql<Uid, MultiBackend> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
                out.set_value((Uid, self));
                Ok(IsNull::No)
            }
        }

        impl FromSql<Uid, Pg> for $name {
            fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                Ok(Self(uuid::Uuid::from_slice(value.as_bytes())?))
            }
        }

        impl FromSql<Uid, Sqlite> for $name {
            fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
                Ok(Self(uuid::Uuid::try_parse(&text)?))
            }
        }

        impl FromSql<Uid, MultiBackend> for $name {
            fn from_sql(value: MultiRawValue<'_>) -> deserialize::Result<Self> {
                value.from_sql::<$name, Uid>()
            }
        }
    )*};
}

id_columns! {
    access AccessId,
    answer AnswerId,
    answer_batch AnswerBatchId,
    assignment AssignmentId,
    basket BasketId,
    catalog CatalogId,
    description_task DescriptionTaskId,
    fact FactId,
    group GroupId,
    incompatibility IncompatibilityId,
    notice NoticeId,
    organization OrganizationId,
    package PackageId,
    person PersonId,
    policy PolicyId,
    policy_scope PolicyScopeId,
    request RequestId,
    resource ResourceId,
    review ReviewId,
    review_instance ReviewInstanceId,
    review_item ReviewItemId,
    review_list ReviewListId,
    review_pool ReviewPoolId,
    review_row ReviewRowId,
    right RightId,
    role RoleId,
    role_grant RoleGrantId,
    stage StageId,
    stand_in StandInId,
    stop StopId,
}

#[cfg(test)]
mod tests {
    use diesel::prelude::*;
    use diesel::select;

    use super::Stamp;
    use crate::db::testing::databases;
    use crate::kernel::Ts;

    #[test]
    fn a_time_of_a_year_that_does_not_sort_as_text_is_not_stored() {
        // The first one keeps times as text.
        let db = databases().remove(0);
        let stored = |text: &str| {
            let at = Ts::new(text.parse().unwrap());
            db.read(|db| Ok(select(at.into_sql::<Stamp>()).get_result::<Ts>(db)?)).ok()
        };
        let last = Ts::new("9999-12-31T23:59:59Z".parse().unwrap());
        assert_eq!(stored("9999-12-31T23:59:59Z"), Some(last));
        assert_eq!(stored("+10000-01-01T00:00:00Z"), None);
        assert_eq!(stored("-0001-01-01T00:00:00Z"), None);
    }
}
