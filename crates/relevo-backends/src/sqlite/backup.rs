//! A copy of a database that a server uses meanwhile.

use super::OpenError;
use super::fault::reason;
use crate::look::{Holds, count_sqlite, read_only};
use sqlx::Connection;
use std::path::Path;
use std::time::Duration;

/// How often whoever waits is told.
const TELL: Duration = Duration::from_millis(100);

/// Writes what `from` holds at this moment into the new file `to`, durably, and says what that is. Nobody is held up:
/// it is one long read. `progress` hears how many bytes are written, of about how many.
pub async fn copy(from: &Path, to: &Path, mut progress: impl FnMut(u64, u64)) -> Result<Holds, OpenError> {
    let unusable = |file: &Path, reason: String| OpenError::Unusable { file: file.to_owned(), reason };
    let at = |file| move |error: sqlx::Error| unusable(file, reason(&error));
    let mut source = read_only(from).await.map_err(at(from))?;
    let pages = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
    let size: i64 = sqlx::query_scalar(pages).fetch_one(&mut source).await.map_err(at(from))?;
    let size = u64::try_from(size).unwrap_or(0);
    {
        let written = sqlx::query("VACUUM INTO ?1").bind(to.display().to_string()).execute(&mut source);
        let mut written = std::pin::pin!(written);
        loop {
            tokio::select! {
                written = &mut written => {
                    written.map_err(at(to))?;
                    break;
                }
                () = tokio::time::sleep(TELL) => progress(std::fs::metadata(to).map_or(0, |file| file.len()), size),
            }
        }
    }
    source.close().await.map_err(at(from))?;
    // SQLite leaves the syncing of such a file to its caller.
    std::fs::File::open(to).and_then(|file| file.sync_all()).map_err(|error| unusable(to, error.to_string()))?;
    check(to).await
}

/// Reads every page of a database that nobody uses, and says what it holds.
pub async fn check(file: &Path) -> Result<Holds, OpenError> {
    let unusable = |reason: String| OpenError::Unusable { file: file.to_owned(), reason };
    let mut connection = read_only(file).await.map_err(|error| unusable(reason(&error)))?;
    let found: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(&mut connection)
        .await
        .map_err(|error| unusable(reason(&error)))?;
    if found != "ok" {
        return Err(unusable(format!("it is damaged: {found}")));
    }
    let holds = count_sqlite(&mut connection).await.map_err(|error| unusable(reason(&error)))?;
    connection.close().await.map_err(|error| unusable(reason(&error)))?;
    Ok(holds)
}
