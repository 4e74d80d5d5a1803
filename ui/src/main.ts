import './look/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { findBackend } from './backend';
import { View } from './live/view.svelte';
import { words } from './words';

document.documentElement.lang = words.locale;

const backend = await findBackend();
const start = await backend.start().catch(() => ({ screen: 'home' as const, request: null, platform: '' }));
const view = new View(backend, start);
void view.watch();

const target = document.getElementById('app');
if (target) mount(App, { target, props: { view } });
