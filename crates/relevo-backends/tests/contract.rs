//! The contract of `relevo::store` on every backend.

use relevo::testing::contract::Fresh;
use relevo_backends::postgres::{PostgresOptions, PostgresStore};
use relevo_backends::sqlite::{SqliteOptions, SqliteStore};
use relevo_backends::testing;
use std::sync::Arc;
use tempfile::TempDir;

async fn sqlite_store() -> (Fresh, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = SqliteStore::open(&folder.path().join("relevo.db"), SqliteOptions::default()).await;
    (Arc::new(store.expect("a new database")), folder)
}

async fn postgres_store() -> (Fresh, ()) {
    let address = tokio::task::spawn_blocking(testing::postgres).await.expect("a server");
    let options = PostgresOptions { schema: testing::schema(), connections: 8 };
    let store = PostgresStore::open(&address, options).await;
    (Arc::new(store.expect("a new schema")), ())
}

mod sqlite {
    use super::sqlite_store;
    relevo::contract_tests!(sqlite_store);
}

mod postgres {
    use super::postgres_store;
    relevo::contract_tests!(postgres_store);
}
