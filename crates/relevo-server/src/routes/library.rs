//! Shortcuts and macros.

use crate::app::App;
use crate::extract::SignedIn;
use axum::Json;
use axum::extract::State;
use relevo::domain::macros::{Action, Label};
use relevo::domain::shortcut::{Input, Scope};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(shortcuts)).routes(routes!(macros)).routes(routes!(problems))
}

/// All shortcuts that the agent is offered: one entry a language.
#[utoipa::path(get, path = "/api/shortcuts", tag = "library",
    responses((status = 200, description = "Shortcuts", body = Vec<Offered>)))]
async fn shortcuts(State(app): State<App>, SignedIn(agent): SignedIn) -> Json<Vec<Offered>> {
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
                list.push(Offered {
                    name: shortcut.name.clone(),
                    title: variant.title.clone(),
                    language: variant.language.code(),
                    languages: languages.clone(),
                    category: variant.category.clone(),
                    body: variant.body.clone(),
                    variables: variant.variables().to_vec(),
                    inputs: variant.inputs.iter().map(Asked::from).collect(),
                    scope: variant.scope.clone().into(),
                    file: variant.file.clone(),
                });
            }
        }
    }
    Json(list)
}

/// A shortcut in one language.
#[derive(Serialize, ToSchema)]
struct Offered {
    name: String,
    title: String,
    language: &'static str,
    /// All that it is written in.
    languages: Vec<&'static str>,
    category: Option<String>,
    /// With its holes.
    body: String,
    variables: Vec<String>,
    inputs: Vec<Asked>,
    /// `global` or `team:<id>`.
    scope: String,
    file: String,
}

/// Something that only the agent knows.
#[derive(Serialize, ToSchema)]
struct Asked {
    name: String,
    label: String,
}

impl From<&Input> for Asked {
    fn from(Input { name, label }: &Input) -> Self {
        Self { name: name.clone(), label: label.clone() }
    }
}

/// A macro.
#[derive(Serialize, ToSchema)]
struct Listed {
    name: String,
    /// A text, or one for each language.
    #[schema(value_type = Object)]
    title: Label,
    #[schema(value_type = Object)]
    description: Label,
    /// Objects with the action's name as their one key.
    #[schema(value_type = Vec<Object>)]
    steps: Vec<Action>,
    /// What its shortcuts ask.
    inputs: Vec<Asked>,
    file: String,
}

/// What is wrong with a file that was left out.
#[derive(Serialize, ToSchema)]
struct FileProblem {
    file: String,
    line: usize,
    column: usize,
    message: String,
}

/// All macros.
#[utoipa::path(get, path = "/api/macros", tag = "library",
    responses((status = 200, description = "Macros", body = Vec<Listed>)))]
async fn macros(State(app): State<App>, _agent: SignedIn) -> Json<Vec<Listed>> {
    let library = app.library.current();
    let list = library.macros().map(|found| Listed {
        name: found.name.clone(),
        title: found.title.clone(),
        description: found.description.clone(),
        steps: found.steps.clone(),
        inputs: found.inputs(&library, None).into_iter().map(Asked::from).collect(),
        file: found.file.clone(),
    });
    Json(list.collect())
}

/// What is wrong with files that were left out.
#[utoipa::path(get, path = "/api/library/problems", tag = "library",
    responses((status = 200, description = "Problems", body = Vec<FileProblem>)))]
async fn problems(State(app): State<App>, _agent: SignedIn) -> Json<Vec<FileProblem>> {
    let problems = app.library.problems();
    let told = problems.iter().map(|problem| FileProblem {
        file: problem.file.clone(),
        line: problem.line,
        column: problem.column,
        message: problem.message.clone(),
    });
    Json(told.collect())
}
