// A shop that exists to carry a chat: a catalogue, a page per product, a cart that charges nobody.
(() => {
  const TEXTS = {
    es: {
      title: 'Cosas buenas para la casa',
      lead: 'Hechas en talleres pequeños y enviadas en 48 horas. ¿Dudas? Escríbenos por el chat.',
      cart: 'Carrito',
      add: 'Añadir',
      added: 'Añadido',
      ask: 'Preguntar por este producto',
      back: 'Volver a la tienda',
      empty: 'Tu carrito está vacío.',
      remove: 'Quitar',
      total: 'Total',
      sample: 'Tienda de ejemplo: aquí no se cobra ni se envía nada.',
    },
    pt: {
      title: 'Coisas boas para a casa',
      lead: 'Feitas em pequenas oficinas e enviadas em 48 horas. Dúvidas? Escreva no chat.',
      cart: 'Carrinho',
      add: 'Adicionar',
      added: 'Adicionado',
      ask: 'Perguntar sobre este produto',
      back: 'Voltar à loja',
      empty: 'Seu carrinho está vazio.',
      remove: 'Remover',
      total: 'Total',
      sample: 'Loja de exemplo: aqui nada é cobrado nem enviado.',
    },
    en: {
      title: 'Good things for the home',
      lead: 'Made in small workshops and sent within 48 hours. Questions? Write to us in the chat.',
      cart: 'Cart',
      add: 'Add',
      added: 'Added',
      ask: 'Ask about this product',
      back: 'Back to the shop',
      empty: 'Your cart is empty.',
      remove: 'Remove',
      total: 'Total',
      sample: 'A sample shop: nothing is charged or sent here.',
    },
  };
  const PRODUCTS = [
    [
      'lamp',
      89,
      'Lámpara Faro|Luz cálida regulable, pantalla de metal pintado.',
      'Luminária Faro|Luz quente regulável, cúpula de metal pintado.',
      'Faro lamp|Warm dimmable light, painted metal shade.',
    ],
    [
      'mug',
      18,
      'Taza Marea|Cerámica esmaltada a mano, 350 ml.',
      'Caneca Maré|Cerâmica esmaltada à mão, 350 ml.',
      'Tide mug|Hand-glazed stoneware, 350 ml.',
    ],
    [
      'blanket',
      64,
      'Manta Brisa|Lana merina tejida en telar, 130 × 180 cm.',
      'Manta Brisa|Lã merino de tear, 130 × 180 cm.',
      'Breeze blanket|Loom-woven merino wool, 130 × 180 cm.',
    ],
    [
      'bag',
      120,
      'Mochila Puerto|Lona encerada y cuero, 22 litros.',
      'Mochila Porto|Lona encerada e couro, 22 litros.',
      'Harbour backpack|Waxed canvas and leather, 22 litres.',
    ],
    [
      'clock',
      45,
      'Reloj Mediodía|Mecanismo silencioso, marco de haya.',
      'Relógio Meio-dia|Mecanismo silencioso, moldura de faia.',
      'Noon clock|Silent movement, beech frame.',
    ],
    [
      'notebook',
      12,
      'Cuaderno Bitácora|Papel de 100 g, 160 páginas cosidas.',
      'Caderno Diário|Papel de 100 g, 160 páginas costuradas.',
      'Logbook notebook|100 gsm paper, 160 sewn pages.',
    ],
  ];

  const wished = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase());
  const language = wished.find((base) => base in TEXTS) ?? 'es';
  const t = TEXTS[language];
  const price = (value) => new Intl.NumberFormat(language, { style: 'currency', currency: 'EUR' }).format(value);
  const products = PRODUCTS.map(([id, cost, ...texts]) => {
    const [name, about] = texts[Object.keys(TEXTS).indexOf(language)].split('|');
    return { id, cost, name, about };
  });
  const cart = JSON.parse(sessionStorage.getItem('faro.cart') ?? '[]');
  const main = document.getElementById('main');

  /** An element with attributes, children and, for what is pressed, a function. */
  const el = (tag, given = {}, ...children) => {
    const { press, ...attributes } = given;
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (press) made.addEventListener('click', press);
    made.append(...children);
    return made;
  };
  const picture = (id, name = 'picture') => {
    const made = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
    made.setAttribute('class', name);
    made.setAttribute('aria-hidden', 'true');
    use.setAttribute('href', `#${id}`);
    made.append(use);
    return made;
  };
  const link = (query, attributes, ...children) =>
    el('a', { ...attributes, href: `/demo/shop${query}`, 'data-go': '' }, ...children);
  const keep = () => {
    sessionStorage.setItem('faro.cart', JSON.stringify(cart));
    document.getElementById('count').textContent = String(cart.length);
  };
  const add = (product) =>
    el(
      'button',
      {
        type: 'button',
        'aria-label': `${t.add}: ${product.name}`,
        press: (event) => {
          cart.push(product.id);
          keep();
          event.currentTarget.textContent = t.added;
        },
      },
      t.add,
    );

  const home = () => [
    el('h1', {}, t.title),
    el('p', { class: 'lead' }, t.lead),
    el(
      'ul',
      { class: 'grid' },
      ...products.map((product) =>
        el(
          'li',
          { class: 'card' },
          link(`?product=${product.id}`, {}, picture(product.id), el('h2', {}, product.name)),
          el('p', {}, product.about),
          el('div', { class: 'buy' }, el('span', { class: 'price' }, price(product.cost)), add(product)),
        ),
      ),
    ),
  ];
  const detail = (product) => [
    link('', { class: 'back' }, `← ${t.back}`),
    el(
      'div',
      { class: 'detail' },
      picture(product.id),
      el(
        'div',
        {},
        el('h1', {}, product.name),
        el('p', { class: 'lead' }, product.about),
        el('span', { class: 'price' }, price(product.cost)),
        el(
          'div',
          { class: 'actions' },
          add(product),
          el('button', { type: 'button', class: 'plain', press: () => window.Relevo?.open() }, t.ask),
        ),
      ),
    ),
  ];
  const basket = () => [
    link('', { class: 'back' }, `← ${t.back}`),
    el('h1', {}, t.cart),
    ...(cart.length ? [] : [el('p', { class: 'lead' }, t.empty)]),
    el(
      'ul',
      { class: 'rows' },
      ...cart.map((id, n) => {
        const product = products.find((one) => one.id === id);
        const remove = () => {
          cart.splice(n, 1);
          keep();
          draw();
        };
        return el(
          'li',
          {},
          picture(id, ''),
          el('span', {}, product.name),
          el('span', { class: 'price' }, price(product.cost)),
          el('button', { type: 'button', class: 'plain', press: remove }, t.remove),
        );
      }),
    ),
    ...(cart.length ? [el('p', { class: 'total price' }, `${t.total}: ${price(sum())}`)] : []),
  ];
  const sum = () => cart.reduce((all, id) => all + products.find((one) => one.id === id).cost, 0);

  function draw() {
    const query = new URLSearchParams(location.search);
    const product = products.find((one) => one.id === query.get('product'));
    const view = product ? detail(product) : query.get('view') === 'cart' ? basket() : home();
    main.replaceChildren(...view);
    document.title = `${product ? product.name : query.get('view') === 'cart' ? t.cart : t.title} · Tienda Faro`;
  }

  document.documentElement.lang = language;
  for (const node of document.querySelectorAll('[data-text]')) node.textContent = t[node.dataset.text];
  document.addEventListener('click', (event) => {
    const target = event.target.closest?.('a[data-go]');
    if (!target || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    history.pushState(null, '', target.href);
    draw();
    scrollTo(0, 0);
    main.focus();
  });
  addEventListener('popstate', draw);
  keep();
  draw();
})();
