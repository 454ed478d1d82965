//! The few words that the offline summary adds to what was said, in three languages.

use crate::extractive::entities::Kind;
use crate::text::Language;

/// What a kind of value is called in a list of collected data.
pub(super) fn kind(kind: Kind, language: Language) -> &'static str {
    let (es, pt, en) = match kind {
        Kind::Email => ("correo", "e-mail", "e-mail"),
        Kind::Url => ("enlace", "link", "link"),
        Kind::Amount => ("importe", "valor", "amount"),
        Kind::Time => ("hora", "hora", "time"),
        Kind::Date => ("fecha", "data", "date"),
        Kind::Phone => ("teléfono", "telefone", "phone"),
        Kind::Code => ("número", "número", "number"),
        Kind::Number => ("cantidad", "quantidade", "quantity"),
        Kind::Name => ("nombre", "nome", "name"),
    };
    language.pick(es, pt, en)
}

/// Why a conversation came to people, for the reasons that the wire names.
pub(super) fn reason(reason: &str, language: Language) -> Option<&'static str> {
    let (es, pt, en) = match reason {
        "bot_asked" => ("el bot pidió una persona", "o bot pediu uma pessoa", "the bot asked for a person"),
        "visitor_asked" => {
            ("el cliente pidió una persona", "o cliente pediu uma pessoa", "the customer asked for a person")
        }
        "bot_failed" => ("el bot no supo responder", "o bot não soube responder", "the bot did not know the answer"),
        "bot_timeout" => {
            ("el bot no respondió a tiempo", "o bot não respondeu a tempo", "the bot did not answer in time")
        }
        "bot_error" => ("el bot falló", "o bot falhou", "the bot failed"),
        "too_large" => (
            "la respuesta del bot era demasiado grande",
            "a resposta do bot era grande demais",
            "the bot's answer was too large",
        ),
        "no_bot" => ("no hay ningún bot conectado", "não há nenhum bot conectado", "no bot is connected"),
        "low_confidence" => ("el bot no estaba seguro", "o bot não tinha certeza", "the bot was not sure enough"),
        _ => return None,
    };
    Some(language.pick(es, pt, en))
}

/// What somebody says before their own name, folded.
pub(super) const INTRODUCING: &[&str] = &[
    "soy",
    "me llamo",
    "mi nombre es",
    "habla",
    "a nombre de",
    "sou",
    "sou o",
    "sou a",
    "chamo me",
    "me chamo",
    "meu nome e",
    "o meu nome e",
    "aqui e",
    "aqui e o",
    "aqui e a",
    "em nome de",
    "i m",
    "im",
    "i am",
    "my name is",
    "my name s",
    "this is",
    "name of",
];

/// What is open, by who spoke last.
pub(super) fn open_point(customer_spoke_last: bool, language: Language) -> &'static str {
    if customer_spoke_last {
        language.pick(
            "El cliente espera respuesta a:",
            "O cliente espera resposta a:",
            "The customer waits for an answer to:",
        )
    } else {
        language.pick(
            "Se espera que el cliente responda a:",
            "Aguarda-se a resposta do cliente a:",
            "Waiting for the customer to answer:",
        )
    }
}

/// A customer who shows to be upset.
pub(super) fn upset(language: Language) -> &'static str {
    language.pick("molesto", "insatisfeito", "upset")
}

/// Words by which customers say that they are upset (folded).
pub(super) const UPSET: &[&str] = &[
    "furioso",
    "furiosa",
    "indignado",
    "indignada",
    "enfadado",
    "enfadada",
    "enojado",
    "enojada",
    "molesto",
    "molesta",
    "harto",
    "harta",
    "inaceptable",
    "verguenza",
    "pesimo",
    "pesima",
    "horrible",
    "terrible",
    "estafa",
    "reclamacion",
    "denunciar",
    "decepcionado",
    "decepcionada",
    "inaceitavel",
    "absurdo",
    "vergonha",
    "pessimo",
    "pessima",
    "decepcionado",
    "irritado",
    "irritada",
    "cansado",
    "cansada",
    "golpe",
    "procon",
    "furious",
    "angry",
    "annoyed",
    "frustrated",
    "frustrating",
    "ridiculous",
    "unacceptable",
    "awful",
    "terrible",
    "horrible",
    "disappointed",
    "scam",
    "worst",
];
