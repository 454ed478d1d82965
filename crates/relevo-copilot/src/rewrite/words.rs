//! The words and phrases that the rules know, in three languages.

use std::sync::LazyLock;

use regex::Regex;

use crate::text::Language;

/// Words that ask (folded).
pub(super) const ASKING: &[&str] = &[
    "que",
    "quien",
    "quienes",
    "cual",
    "cuales",
    "como",
    "cuando",
    "donde",
    "cuanto",
    "cuanta",
    "cuantos",
    "cuantas",
    "puede",
    "puedes",
    "podria",
    "podrias",
    "quiere",
    "quieres",
    "desea",
    "deseas",
    "hay",
    "esta",
    "es",
    "tiene",
    "tienes",
    "me",
    "le",
    "te",
    "por",
    "en",
    "a",
    "ha",
    "has",
    "sabe",
    "sabes",
    "necesita",
    "necesitas",
    "prefiere",
    "prefieres",
    "seria",
    "ya",
    "va",
    "vas",
];

/// Words that are always a mistake, each with what it should be.
const ENGLISH: &str = "\
    dont don't; doesnt doesn't; didnt didn't; isnt isn't; arent aren't; wasnt wasn't; werent weren't; \
    couldnt couldn't; shouldnt shouldn't; wouldnt wouldn't; hasnt hasn't; havent haven't; im I'm; i'm I'm; \
    ive I've; i've I've; i'll I'll; i'd I'd; youre you're; youve you've; theyre they're; thats that's; \
    whats what's; teh the; recieve receive; recieved received; seperate separate; occured occurred; \
    definately definitely; adress address; untill until; wich which; tommorow tomorrow; tomorow tomorrow; \
    restuarant restaurant; alot a lot; recomend recommend; apointment appointment; \
    appointement appointment; acount account; thier their; becuase because; avaliable available; \
    availble available; succesfully successfully; succesful successful; pls please; plz please; thx thanks; \
    thankyou thank you;";
const SPANISH: &str = "\
    q que; xq porque; pq porque; tb también; tambien también; dias días; dia día; telefono teléfono; \
    numero número; proximo próximo; proxima próxima; asi así; aqui aquí; alli allí; ahi ahí; \
    despues después; ademas además; ningun ningún; algun algún; podra podrá; sera será; estara estará; \
    recibira recibirá; tendra tendrá; llegara llegará; envio envío; credito crédito; pagina página; \
    codigo código; linea línea; adios adiós; porfavor por favor; haver haber; hechar echar; rapido rápido; \
    minimo mínimo; maximo máximo; articulo artículo; electronico electrónico; sabado sábado; \
    miercoles miércoles;";
const PORTUGUESE: &str = "\
    vc você; vcs vocês; voce você; nao não; tb também; tbm também; tambem também; pq porque; entao então; \
    amanha amanhã; ja já; numero número; proximo próximo; proxima próxima; codigo código; pagina página; \
    credito crédito; cartao cartão; ate até; apos após; rapido rápido; minimo mínimo; maximo máximo; \
    uteis úteis; sera será; possivel possível; disponivel disponível; sabado sábado; ola olá;";

/// What a word should be that is always a mistake.
pub(super) fn misspelt(word: &str, language: Language) -> Option<&'static str> {
    let known = language.pick(SPANISH, PORTUGUESE, ENGLISH).split(';');
    known.filter_map(|pair| pair.trim().split_once(' ')).find_map(|(wrong, right)| (wrong == word).then_some(right))
}

/// A word that has its accent whenever it ends like this.
pub(super) fn accented(word: &str, language: Language) -> Option<String> {
    let endings: &[(&str, &str)] = match language {
        Language::Es => &[("cion", "ción"), ("sion", "sión"), ("xion", "xión")],
        Language::Pt => &[("cao", "ção"), ("coes", "ções")],
        Language::En => &[],
    };
    let long = word.chars().count() > 5;
    endings.iter().filter(|_| long).find_map(|(bare, right)| Some(format!("{}{right}", word.strip_suffix(bare)?)))
}

/// What the rules of a language replace, leave out and add.
pub(super) struct Phrases {
    /// Sentences that only are polite.
    pub(super) courtesies: Vec<Regex>,
    /// Long-winded phrases.
    pub(super) shorter: Vec<(Regex, &'static str)>,
    /// Contractions and casual words.
    pub(super) formal: Vec<(Regex, &'static str)>,
    /// Words that a greeting begins with (folded).
    pub(super) greetings: &'static [&'static str],
    /// A greeting.
    pub(super) hello: &'static str,
    /// An opening after which no greeting is missed.
    pub(super) gladly: &'static str,
    /// A friendly last sentence.
    pub(super) offer: &'static str,
    /// A formal last sentence.
    pub(super) regards: &'static str,
}

pub(super) fn phrases(language: Language) -> &'static Phrases {
    static ES: LazyLock<Phrases> = LazyLock::new(spanish);
    static PT: LazyLock<Phrases> = LazyLock::new(portuguese);
    static EN: LazyLock<Phrases> = LazyLock::new(english);
    match language {
        Language::Es => &ES,
        Language::Pt => &PT,
        Language::En => &EN,
    }
}

fn whole(patterns: &[&str]) -> Vec<Regex> {
    let build = |pattern: &&str| Regex::new(&format!("(?i)^[¿¡]?(?:{pattern})"));
    patterns.iter().map(|pattern| build(pattern).expect("the pattern is a constant that tests compile")).collect()
}

fn each(pairs: &[(&str, &'static str)]) -> Vec<(Regex, &'static str)> {
    let build =
        |pattern: &str| Regex::new(&format!("(?i){pattern}")).expect("the pattern is a constant that tests compile");
    pairs.iter().map(|(pattern, by)| (build(pattern), *by)).collect()
}

fn english() -> Phrases {
    Phrases {
        courtesies: whole(&[
            r"thanks?\b",
            r"thank you\b",
            r"(?:is|was) there anything else\b",
            r"(?:can|may) i (?:help|assist)\b.*\belse\b",
            r"anything else\b",
            r"(?:good)?bye\b",
            r"have a (?:nice|great|good|lovely)\b",
            r"(?:please )?(?:let me know|feel free)\b",
            r"(?:hello|hi|hey)(?: there)?[.!,]*$",
            r"(?:no problem|of course|you're welcome|sure thing|my pleasure)[.!,]*$",
            r"(?:kind |best )?regards\b",
            r"(?:i hope (?:this|that) helps)\b",
            r"happy to help\b",
        ]),
        shorter: each(&[
            (r"\b(?:okay|ok|all right|alright|well|great|perfect)(?:,|!|\.) +(\p{L})", "$1"),
            (r"^(?:okay|ok|all right|alright) +(\p{L})", "$1"),
            (
                r"\b(?:i would like to let you know|i wanted to let you know|i'd like to let you know) that (\p{L})",
                "$1",
            ),
            (r"\b(?:please note that|just so you know,?|as a matter of fact,?|for your information,?) (\p{L})", "$1"),
            (r"\bin order to\b", "to"),
            (r"\b(?:at this time|at the moment|at this point in time|at this point)\b", "now"),
            (r"\b(?:would you like|do you want) me to\b", "shall I"),
            (r"\bdue to the fact that\b", "because"),
            (r"\bas well as\b", "and"),
            (r"\ba total of (\S)", "$1"),
            (r"\bis located (in|on|at)\b", "is $1"),
            (r"\b(?:really|basically|actually|successfully) (\p{L})", "$1"),
            (r"\b(it|that|there|he|she|what) is (\p{L})", "$1's $2"),
            (r"\bI am (\p{L})", "I'm $1"),
            (r"\b(I|you|we|they|it|he|she|that) will (\p{L})", "$1'll $2"),
            (r"\b(do|does|did|is|are|was|were|has|could|should|would) not\b", "$1n't"),
            (r"\bcan ?not\b", "can't"),
            (r"\bI have (found|booked|scheduled|checked|sent|updated|made|reserved|cancelled|changed)\b", "I $1"),
        ]),
        formal: each(&[
            (r"\bcan't\b", "cannot"),
            (r"\bwon't\b", "will not"),
            (r"\b(do|does|did|is|are|was|were|have|has|had|could|should|would)n['’]t\b", "$1 not"),
            (r"\bI['’]m sorry\b", "I apologize"),
            (r"\bI['’]m\b", "I am"),
            (r"\b(you|we|they)['’]re\b", "$1 are"),
            (r"\b(I|you|we|they)['’]ve\b", "$1 have"),
            (r"\b(I|you|we|they|he|she|it|that|there)['’]ll\b", "$1 will"),
            (r"\b(it|that|there|what|here|he|she)['’]s been\b", "$1 has been"),
            (r"\b(it|that|there|what|here|he|she)['’]s\b", "$1 is"),
            (r"\b(I|you|we|they)['’]d like\b", "$1 would like"),
            (r"\blet['’]s\b", "let us"),
            (r"\b(?:hi|hey)\b(?: there)?", "hello"),
            (r"\bthanks\b", "thank you"),
            (r"\b(?:okay|ok|all right|alright)\b", "very well"),
            (r"\b(?:yeah|yep|yup)\b", "yes"),
            (r"\bsure\b([,.!])", "certainly$1"),
            (r"\bbye\b", "goodbye"),
            (r"\b(?:can|could) I\b", "may I"),
            (r"\bwanna\b", "want to"),
            (r"\bgonna\b", "going to"),
        ]),
        greetings: &["hello", "hi", "hey", "good", "dear"],
        hello: "Hi there!",
        gladly: "Happy to help!",
        offer: "Let me know if there is anything else!",
        regards: "Kind regards.",
    }
}

fn spanish() -> Phrases {
    Phrases {
        courtesies: whole(&[
            r"(?:much[ií]simas |muchas |mil )?gracias\b",
            r".{0,30}\balg(?:o|una cosa) m[aá]s\b",
            r"(?:que )?(?:tenga|tengas|ten|pase|pases)\b.*\b(?:d[ií]a|tarde|noche|semana)\b",
            r"(?:hola|buenas|buenos d[ií]as|buenas tardes|buenas noches)[.!,]*$",
            r"quedo (?:atent[oa]|a (?:su|tu) disposici[oó]n)\b",
            r"(?:un )?(?:cordial )?saludos?\b",
            r"aqu[ií] estoy\b",
            r"(?:claro|por supuesto|con mucho gusto|de nada)[.!,]*$",
            r"(?:adi[oó]s|hasta (?:luego|pronto))\b",
        ]),
        shorter: each(&[
            (r"\b(?:vale|bueno|bien|perfecto|ok)(?:,|!|\.) +(\p{L})", "$1"),
            (r"\b(?:le|te) (?:informo|comento|comunico) (?:de )?que (\p{L})", "$1"),
            (r"\bquer[ií]a (?:informarle|informarte|comentarle|comentarte|decirle|decirte) (?:de )?que (\p{L})", "$1"),
            (r"\b(?:con el fin de|con el objetivo de|a fin de)\b", "para"),
            (r"\b(?:en este momento|en estos momentos|actualmente)\b", "ahora"),
            (r"\b(?:debido al hecho de que|debido a que|puesto que)\b", "porque"),
            (r"\basí como\b", "y"),
            (r"\ba la mayor brevedad(?: posible)?\b", "pronto"),
            (r"\bllevar a cabo\b", "hacer"),
            (r"\bun total de (\S)", "$1"),
            (r"\b(?:realmente|b[aá]sicamente|efectivamente,?) (\p{L})", "$1"),
            (r"\btenga en cuenta que (\p{L})", "$1"),
        ]),
        formal: each(&[
            (r"\b(?:vale|ok|okey|okay)\b", "de acuerdo"),
            (r"\b(?:genial|guay|estupendo|chévere|chido|bacano)\b", "muy bien"),
            (r"\b(?:porfa|por fa|porfis)\b", "por favor"),
            (r"\b(?:perdona|perdón|disculpa)\b", "disculpe"),
            (r"\b(?:chao|chau|adiós)\b", "hasta luego"),
            (r"\b(?:ahorita|ya mismo)\b", "de inmediato"),
            (r"^gracias\b", "muchas gracias"),
            (r"([.!] )gracias\b", "${1}Muchas gracias"),
            (r"\bfinde\b", "fin de semana"),
        ]),
        greetings: &["hola", "buenas", "buenos", "buen", "estimado", "estimada"],
        hello: "¡Hola!",
        gladly: "¡Con mucho gusto!",
        offer: "¡Aquí estoy para lo que haga falta!",
        regards: "Un cordial saludo.",
    }
}

fn portuguese() -> Phrases {
    Phrases {
        courtesies: whole(&[
            r"(?:muito )?obrigad[oa]\b",
            r".{0,30}\b(?:algo|alguma coisa) mais\b",
            r".{0,30}\bmais alguma coisa\b",
            r"(?:tenha|desejo)\b.*\b(?:dia|tarde|noite|semana)\b",
            r"(?:ol[aá]|oi|bom dia|boa tarde|boa noite)[.!,]*$",
            r"fico [àa] disposi[çc][ãa]o\b",
            r"atenciosamente\b",
            r"estou aqui para\b",
            r"(?:claro|com prazer|de nada|por nada)[.!,]*$",
            r"(?:tchau|at[eé] (?:logo|breve))\b",
        ]),
        shorter: each(&[
            (r"\b(?:certo|bom|bem|perfeito|ok)(?:,|!|\.) +(\p{L})", "$1"),
            (r"\b(?:informo|comunico|gostaria de informar|venho informar) que (\p{L})", "$1"),
            (r"\b(?:com o objetivo de|a fim de|com o intuito de)\b", "para"),
            (r"\b(?:neste momento|no momento|atualmente)\b", "agora"),
            (r"\b(?:devido ao fato de que|devido ao fato de|uma vez que)\b", "porque"),
            (r"\b(?:bem como|assim como)\b", "e"),
            (r"\bum total de (\S)", "$1"),
            (r"\b(?:realmente|basicamente) (\p{L})", "$1"),
            (r"\bo mais rápido possível\b", "logo"),
        ]),
        formal: each(&[
            (r"\boi\b", "olá"),
            (r"\b(?:ok|tá bom|beleza|blz|show)\b", "certo"),
            (r"\b(?:valeu|brigad[oa])\b", "obrigado"),
            (r"\bvc\b", "você"),
            (r"\bpra\b", "para"),
            (r"\bpro\b", "para o"),
            (r"\btchau\b", "até logo"),
            (r"\bdesculpa\b", "desculpe"),
        ]),
        greetings: &["ola", "oi", "bom", "boa", "prezado", "prezada"],
        hello: "Olá!",
        gladly: "Com prazer!",
        offer: "Estou aqui para o que precisar!",
        regards: "Atenciosamente.",
    }
}
