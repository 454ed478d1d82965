//! Brings tables up to date. A step is a file, is never edited once released, and happens in one transaction with the
//! row that records it. Servers that start at once wait for each other.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

const STEPS: [&str; 6] = [
    include_str!("../../migrations/postgres/0001_log.sql"),
    include_str!("../../migrations/postgres/0002_artifacts_by_time.sql"),
    include_str!("../../migrations/postgres/0003_holders.sql"),
    include_str!("../../migrations/postgres/0004_queue_and_words.sql"),
    include_str!("../../migrations/postgres/0005_live.sql"),
    include_str!("../../migrations/postgres/0006_due.sql"),
];

/// The newest version of the tables.
#[expect(clippy::cast_possible_wrap, reason = "there are few steps")]
pub(crate) const KNOWN: i64 = STEPS.len() as i64;

/// Takes the steps that are missing; gives the version of the tables. One above [`KNOWN`] was left alone. `schema` has
/// been checked to be a plain name.
pub(super) async fn migrate(connection: &mut PgConnection, schema: &str) -> sqlx::Result<i64> {
    let mut all = connection.begin().await?;
    // Any number that everybody takes would do; a hash of the name lets two schemas go on side by side.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('relevo ' || $1, 0))")
        .bind(schema)
        .execute(&mut *all)
        .await?;
    let there: bool = sqlx::query_scalar("SELECT to_regclass($1 || '.schema_version') IS NOT NULL")
        .bind(schema)
        .fetch_one(&mut *all)
        .await?;
    let mut found: i64 = 0;
    if there {
        found = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM schema_version").fetch_one(&mut *all).await?;
    } else {
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {schema}"))).execute(&mut *all).await?;
        sqlx::raw_sql("CREATE TABLE schema_version (version bigint PRIMARY KEY)").execute(&mut *all).await?;
    }
    for (step, sql) in (1..).zip(STEPS).filter(|(step, _)| *step > found) {
        sqlx::raw_sql(sql).execute(&mut *all).await?;
        sqlx::query("INSERT INTO schema_version VALUES ($1)").bind(step).execute(&mut *all).await?;
    }
    all.commit().await?;
    Ok(found.max(KNOWN))
}
