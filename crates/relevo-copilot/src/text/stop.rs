//! Words that carry no meaning of their own, folded, of all three languages at once.
//!
//! One list for all: a customer mixes languages, and a word such as `no` or `a` says as little in one
//! of them as in the other.

use std::collections::HashSet;
use std::sync::LazyLock;

static STOP: LazyLock<HashSet<&'static str>> = LazyLock::new(|| LIST.split_whitespace().collect());

/// Whether a folded word carries no meaning of its own.
pub fn is_stop_word(word: &str) -> bool {
    STOP.contains(word)
}

const LIST: &str = "
a an the and or but if then else of to in on at by for from with about into over under as is are was were be been being am
i me my mine we us our you your yours he him his she her it its they them their this that these those there here
do does did doing done have has had having will would shall should can could may might must not no nor so too very just
what which who whom whose when where why how all any both each few more most other some such only own same than
s t don re ve ll d m im ive id dont cant isnt doesnt didnt
also really actually well now oh ok okay um uh please
el la los las un una unos unas lo le les se me te nos mi mis tu tus su sus y e o u ni que de del al a en con por para sin
sobre entre hasta desde es son era eran fue fueron ser esta estan estaba estar he ha han haber hay soy somos
este esta esto estos estas ese esa eso esos esas aquel aquella yo el ella ello nosotros ellos ellas usted ustedes
no si ya muy mas menos tan tambien pero porque como cuando donde cual cuales quien quienes cuanto cuanta cuantos cuantas
o os a as um uma uns umas do da dos das no na nos nas ao aos pelo pela pelos pelas em com por para sem sobre entre ate
e ou mas que se eu me mim meu minha meus minhas te teu tua seu sua seus suas ele ela eles elas lhe lhes voce voces nosso nossa
ser sou era eram foi foram esta estao estava estar ter tem tinha ha isto isso aquilo este esta esse essa nao sim ja muito
mais menos tao tambem porque como quando onde qual quais quem quanto quanta quantos quantas
";
