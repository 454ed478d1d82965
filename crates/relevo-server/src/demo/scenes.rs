//! Who comes to the sample shop, what they look at, and what they write.

/// One visitor's part.
pub(super) struct Scene {
    /// Their language.
    pub language: &'static str,
    /// Name and e-mail, where the shop knows them and vouches for them.
    pub known: Option<(&'static str, &'static str)>,
    /// The product that they look at first; empty: the shop's first page.
    pub product: &'static str,
    /// What they do, one after the other, as long as no person has written to them.
    pub steps: &'static [Step],
    /// What they write to a person, one for each message that they get.
    pub to_people: &'static [&'static str],
}

/// Something that a visitor does.
#[derive(Clone, Copy)]
pub(super) enum Step {
    /// Writes.
    Say(&'static str),
    /// Presses a button of the bot: its title and payload.
    Press(&'static str, &'static str),
    /// Looks at another product.
    Look(&'static str),
}

use Step::{Look, Press, Say};

pub(super) const SCENES: &[Scene] = &[
    Scene {
        language: "es",
        known: Some(("Marta Ruiz", "marta.ruiz@example.com")),
        product: "mug",
        steps: &[
            Say("buenas tardes, mi pedido A-2210 llegó con dos tazas rotas"),
            Say("es la segunda vez que me pasa"),
        ],
        to_people: &[
            "Gracias por contestar. Tengo fotos, ¿te las mando?",
            "Prefiero que me envíen otras dos, las quería para un regalo el sábado.",
            "Perfecto, muchas gracias.",
        ],
    },
    Scene {
        language: "pt",
        known: Some(("João Pereira", "joao.pereira@example.com")),
        product: "blanket",
        steps: &[
            Say("oi, como faço uma devolução?"),
            Say("a manta é menor do que eu esperava, o pedido é A-3187"),
            Say("quero falar com uma pessoa, por favor"),
        ],
        to_people: &["Oi! Posso trocar por uma maior?", "Pode ser a de 150 por 200. Obrigado!", "Valeu, até mais."],
    },
    Scene {
        language: "es",
        known: None,
        product: "lamp",
        steps: &[Say("hola"), Press("Mi pedido", "order"), Say("A-1042"), Say("genial, gracias")],
        to_people: &["¡Ah, hola! Ya me lo dijo el asistente, gracias."],
    },
    Scene {
        language: "en",
        known: Some(("Emily Carter", "emily.carter@example.com")),
        product: "lamp",
        steps: &[
            Say("hello, does the Faro lamp come with a bulb?"),
            Look("clock"),
            Say("can I talk to a person please? I need it by Friday"),
        ],
        to_people: &["Hi! Great. Would two lamps arrive together?", "Then I'll order both today. Thank you!"],
    },
    Scene {
        language: "es",
        known: None,
        product: "",
        steps: &[Look("bag"), Look("clock"), Look("notebook")],
        to_people: &[],
    },
    Scene {
        language: "es",
        known: Some(("Diego Salas", "diego.salas@example.com")),
        product: "notebook",
        steps: &[
            Say("hola, ¿hacen factura a empresas?"),
            Say("quiero hablar con alguien, necesito la factura del A-5023 hoy"),
        ],
        to_people: &[
            "Sí: Salas y Hermanos, S. L. El correo es administracion@example.com.",
            "Es para 30 cuadernos, ¿hay descuento?",
            "De acuerdo, lo hablo con mi socio. Gracias.",
        ],
    },
    Scene {
        language: "pt",
        known: None,
        product: "bag",
        steps: &[
            Say("boa tarde"),
            Press("Horário", "hours"),
            Say("meu pedido A-4410 ainda não chegou"),
            Look("mug"),
            Say("obrigada!"),
        ],
        to_people: &["Oi! Está tudo certo, obrigada."],
    },
    Scene {
        language: "en",
        known: None,
        product: "clock",
        steps: &[Say("hi there"), Press("Returns", "returns"), Say("what are your opening hours?"), Look("")],
        to_people: &["Oh, a person! All good, thanks."],
    },
];

/// The title of a page of the shop, as its own script writes it.
pub(super) fn title(language: &str, product: &str) -> String {
    let titles = match product {
        "lamp" => ["Lámpara Faro", "Luminária Faro", "Faro lamp"],
        "mug" => ["Taza Marea", "Caneca Maré", "Tide mug"],
        "blanket" => ["Manta Brisa", "Manta Brisa", "Breeze blanket"],
        "bag" => ["Mochila Puerto", "Mochila Porto", "Harbour backpack"],
        "clock" => ["Reloj Mediodía", "Relógio Meio-dia", "Noon clock"],
        "notebook" => ["Cuaderno Bitácora", "Caderno Diário", "Logbook notebook"],
        _ => ["Cosas buenas para la casa", "Coisas boas para a casa", "Good things for the home"],
    };
    let [es, pt, en] = titles;
    let title = match language {
        "pt" => pt,
        "en" => en,
        _ => es,
    };
    format!("{title} · Tienda Faro")
}
