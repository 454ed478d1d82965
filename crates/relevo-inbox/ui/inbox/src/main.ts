import { mount } from 'svelte';
import App from './App.svelte';
import './app.css';
import { clock } from './lib/clock.svelte';
import { texting } from './lib/i18n.svelte';
import { router } from './lib/router.svelte';
import { session } from './store/session.svelte';

clock.start();
router.start();
await Promise.all([texting.start(), session.start()]);
mount(App, { target: document.getElementById('app')! });
