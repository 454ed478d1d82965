//! Brings tables up to date. A step is a file, is never edited once released, and happens in one transaction with the
//! row that records it.

use sqlx::{Connection, SqliteConnection};

const STEPS: [&str; 5] = [
    include_str!("../../migrations/sqlite/0001_log.sql"),
    include_str!("../../migrations/sqlite/0002_tickets.sql"),
    include_str!("../../migrations/sqlite/0003_lists.sql"),
    include_str!("../../migrations/sqlite/0004_artifacts_by_time.sql"),
    include_str!("../../migrations/sqlite/0005_standing.sql"),
];

/// The newest version of the tables.
#[expect(clippy::cast_possible_wrap, reason = "there are few steps")]
pub(crate) const KNOWN: i64 = STEPS.len() as i64;

/// Takes the steps that are missing; gives the version of the tables. One above [`KNOWN`] was left alone.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let found = version(connection).await?;
    for (step, sql) in (1..).zip(STEPS).filter(|(step, _)| *step > found) {
        let mut step_taken = connection.begin_with("BEGIN IMMEDIATE").await?;
        if step == 1 {
            sqlx::raw_sql("CREATE TABLE schema_version (version INTEGER PRIMARY KEY) STRICT")
                .execute(&mut *step_taken)
                .await?;
        }
        sqlx::raw_sql(sql).execute(&mut *step_taken).await?;
        sqlx::query("INSERT INTO schema_version VALUES (?1)").bind(step).execute(&mut *step_taken).await?;
        step_taken.commit().await?;
    }
    Ok(found.max(KNOWN))
}

/// The version of the tables; 0 where there are none.
pub(crate) async fn version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'";
    if sqlx::query_scalar::<_, i64>(tables).fetch_one(&mut *connection).await? == 0 {
        return Ok(0);
    }
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM schema_version").fetch_one(connection).await
}
