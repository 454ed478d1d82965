//! The contract of `relevo::store` on every backend.

use relevo::testing::contract::Fresh;
use relevo_backends::sqlite::{SqliteOptions, SqliteStore};
use std::sync::Arc;
use tempfile::TempDir;

async fn sqlite() -> (Fresh, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = SqliteStore::open(&folder.path().join("relevo.db"), SqliteOptions::default()).await;
    (Arc::new(store.expect("a new database")), folder)
}

relevo::contract_tests!(sqlite);
