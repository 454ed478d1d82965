//! Shortcuts and macros.

use crate::app::App;
use crate::extract::SignedIn;
use crate::wire;
use axum::Json;
use axum::extract::State;
use relevo::domain::shortcut::Scope;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(shortcuts)).routes(routes!(macros)).routes(routes!(problems))
}

/// All shortcuts that the agent is offered: one entry a language.
#[utoipa::path(get, path = "/api/shortcuts", tag = "library", responses((status = 200, description = "Shortcuts")))]
async fn shortcuts(State(app): State<App>, SignedIn(agent): SignedIn) -> Json<Vec<Value>> {
    let library = app.library.current();
    let mut list = Vec::new();
    for shortcut in library.shortcuts() {
        let languages: Vec<_> = shortcut.variants.keys().map(|language| language.code()).collect();
        for variant in shortcut.variants.values() {
            let offered = match &variant.scope {
                Scope::Global => true,
                Scope::Team(team) => agent.teams.contains(team),
            };
            if offered {
                list.push(json!({
                    "name": shortcut.name, "title": variant.title, "language": variant.language.code(),
                    "languages": languages, "category": variant.category, "body": variant.body,
                    "variables": variant.variables(), "inputs": wire::plain(&variant.inputs),
                    "scope": wire::plain(&variant.scope), "file": variant.file,
                }));
            }
        }
    }
    Json(list)
}

/// All macros.
#[utoipa::path(get, path = "/api/macros", tag = "library", responses((status = 200, description = "Macros")))]
async fn macros(State(app): State<App>, _agent: SignedIn) -> Json<Vec<Value>> {
    let library = app.library.current();
    let list = library.macros().map(|found| {
        json!({
            "name": found.name, "title": wire::plain(&found.title), "description": wire::plain(&found.description),
            "steps": wire::plain(&found.steps), "inputs": wire::plain(&found.inputs(&library, None)),
            "file": found.file,
        })
    });
    Json(list.collect())
}

/// What is wrong with files that were left out.
#[utoipa::path(get, path = "/api/library/problems", tag = "library", responses((status = 200, description = "Problems")))]
async fn problems(State(app): State<App>, _agent: SignedIn) -> Json<Value> {
    Json(wire::plain(app.library.problems().as_ref()))
}
