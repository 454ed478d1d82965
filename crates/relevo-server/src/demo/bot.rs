//! The sample shop's bot: three languages, buttons, captured data, a streamed answer, and a good hand-over.

use relevo::bot::{Bot, BotError, Handoff, LiveTurn, bot_fn};
use relevo::domain::message::Button;
use std::sync::Arc;
use std::time::Duration;

/// The bot.
pub fn sample() -> Arc<dyn Bot> {
    bot_fn(answer)
}

struct Texts {
    hello: &'static str,
    topics: [(&'static str, &'static str); 4],
    ask_order: &'static str,
    on_its_way: &'static str,
    returns: &'static str,
    hours: &'static str,
    broken: &'static str,
    unsure: &'static str,
    person: &'static str,
    /// For the agents: why, and what was not tried.
    why_person: &'static str,
    why_broken: &'static str,
    note_broken: &'static str,
}

const ES: Texts = Texts {
    hello: "¡Hola! Soy Faro, el asistente de la tienda. ¿En qué te ayudo?",
    topics: [
        ("order", "Mi pedido"),
        ("returns", "Devoluciones"),
        ("hours", "Horario"),
        ("person", "Hablar con una persona"),
    ],
    ask_order: "Claro. ¿Me das el número de pedido? Empieza por A, por ejemplo A-1042.",
    on_its_way: "Tu pedido {order} salió ayer del taller y llega en 2 a 4 días laborables.",
    returns: "Tienes 30 días para devolver lo que no te convenza. Escríbenos, te mandamos la etiqueta, y cuando el paquete llegue te reembolsamos en 5 días laborables. **Los gastos de devolución van por nuestra cuenta.**",
    hours: "Atendemos de lunes a viernes, de 9:00 a 18:00. Fuera de ese horario sigo yo por aquí.",
    broken: "Siento mucho que haya llegado así. Te paso con una persona del equipo para resolverlo.",
    unsure: "No estoy seguro de haberte entendido. Puedo ayudarte con esto:",
    person: "Enseguida te atiende una persona.",
    why_person: "lo pidió con un botón",
    why_broken: "algo llegó roto o pide un reembolso",
    note_broken: "No puedo decidirlo solo: revisa el pedido y ofrece un cambio o el reembolso.",
};

const PT: Texts = Texts {
    hello: "Olá! Sou o Faro, assistente da loja. Como posso ajudar?",
    topics: [
        ("order", "Meu pedido"),
        ("returns", "Devoluções"),
        ("hours", "Horário"),
        ("person", "Falar com uma pessoa"),
    ],
    ask_order: "Claro. Qual é o número do pedido? Começa com A, por exemplo A-1042.",
    on_its_way: "Seu pedido {order} saiu ontem da oficina e chega em 2 a 4 dias úteis.",
    returns: "Você tem 30 dias para devolver. Escreva para nós, enviamos a etiqueta e, quando o pacote chegar, reembolsamos em 5 dias úteis. **O frete da devolução é por nossa conta.**",
    hours: "Atendemos de segunda a sexta, das 9h às 18h. Fora desse horário, eu continuo por aqui.",
    broken: "Sinto muito que tenha chegado assim. Vou passar você para uma pessoa da equipe.",
    unsure: "Não sei se entendi bem. Posso ajudar com isto:",
    person: "Uma pessoa já vai atender você.",
    why_person: "pediu com um botão",
    why_broken: "algo chegou quebrado ou pede reembolso",
    note_broken: "Não posso decidir isso sozinho: verifique o pedido e ofereça uma troca ou o reembolso.",
};

const EN: Texts = Texts {
    hello: "Hi! I'm Faro, the shop's assistant. How can I help?",
    topics: [("order", "My order"), ("returns", "Returns"), ("hours", "Opening hours"), ("person", "Talk to a person")],
    ask_order: "Sure. What is the order number? It starts with A, for example A-1042.",
    on_its_way: "Your order {order} left the workshop yesterday and arrives in 2 to 4 working days.",
    returns: "You have 30 days to return anything. Write to us, we send you the label, and refund you within 5 working days once the parcel is here. **Return shipping is on us.**",
    hours: "We are here Monday to Friday, 9:00 to 18:00. Outside those hours it is just me.",
    broken: "I'm so sorry it arrived like that. I'll get a colleague to sort it out.",
    unsure: "I'm not sure I understood. Here is what I can help with:",
    person: "A person will be with you in a moment.",
    why_person: "asked with a button",
    why_broken: "something arrived broken, or a refund is wanted",
    note_broken: "I could not decide this alone: check the order and offer a replacement or a refund.",
};

async fn answer(turn: LiveTurn) -> Result<(), BotError> {
    let texts = match turn.language() {
        Some("pt") => &PT,
        Some("en") => &EN,
        _ => &ES,
    };
    let said = turn.payload().to_lowercase();
    let words: Vec<&str> = said.split(|c: char| !c.is_alphanumeric()).collect();
    let has = |stems: &[&str]| words.iter().any(|word| stems.iter().any(|stem| word.starts_with(stem)));
    // A person reads and types; so does this bot, a little.
    tokio::select! {
        () = turn.cancelled() => return Ok(()),
        () = tokio::time::sleep(Duration::from_millis(700)) => {}
    }
    if let Some(order) = order_number(turn.payload()) {
        turn.capture("order", &order).await?;
        if has(&["rot", "quebrad", "broken", "dañad", "damaged"]) {
            return broken(&turn, texts, &order).await;
        }
        return turn.say(texts.on_its_way.replace("{order}", &order)).await;
    }
    if has(&["person", "pessoa", "human", "atendente"]) {
        turn.say(texts.person).await?;
        return turn.handoff(Handoff::because(texts.why_person).team("soporte")).await;
    }
    if has(&["rot", "quebrad", "broken", "dañad", "damaged", "reembolso", "refund"]) {
        return broken(&turn, texts, "").await;
    }
    if has(&["order", "pedido", "envío", "envio", "entrega"]) {
        return turn.say(texts.ask_order).await;
    }
    if has(&["return", "devol"]) {
        return streamed(&turn, texts.returns).await;
    }
    if has(&["hour", "horario", "horário", "abr", "open"]) {
        return turn.say(texts.hours).await;
    }
    let first = turn.transcript().is_empty();
    let text = if first { texts.hello } else { texts.unsure };
    let buttons = texts.topics.map(|(payload, title)| Button { title: title.into(), payload: Some(payload.into()) });
    turn.say_with(text, buttons.into()).await
}

async fn broken(turn: &LiveTurn, texts: &Texts, order: &str) -> Result<(), BotError> {
    turn.say(texts.broken).await?;
    let mut handoff = Handoff::because(texts.why_broken).note(texts.note_broken).team("soporte");
    if !order.is_empty() {
        handoff = handoff.captured("order", order);
    }
    turn.handoff(handoff).await
}

async fn streamed(turn: &LiveTurn, text: &str) -> Result<(), BotError> {
    let mut stream = turn.stream();
    for word in text.split_inclusive(' ') {
        stream.push(word)?;
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    stream.finish(Vec::new()).await
}

/// `A-1042`, however it is written.
fn order_number(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '-').find_map(|word| {
        let digits = word.strip_prefix(['A', 'a'])?.trim_start_matches('-');
        let is_number = digits.len() >= 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| format!("A-{digits}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_numbers_are_found_however_they_are_written() {
        for text in ["A-1042", "es el a1042, gracias", "(A1042)"] {
            assert_eq!(order_number(text).as_deref(), Some("A-1042"), "{text}");
        }
        for text in ["hola", "A-12", "AB-1042", "1042"] {
            assert_eq!(order_number(text), None, "{text}");
        }
    }
}
