import './look/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { findBackend, type Start } from './backend';
import { View } from './live/view.svelte';
import { speak, words } from './words';

/** What a window is for that was not told; it then shows why. */
const UNTOLD: Start = { screen: 'home', request: null, platform: '', language: null };

const backend = await findBackend();
const start = await backend.start().catch(() => UNTOLD);
if (start.language !== null) speak(start.language);
document.documentElement.lang = words.locale;

const view = new View(backend, start);
void view.watch();

const target = document.getElementById('app');
if (target) mount(App, { target, props: { view } });
