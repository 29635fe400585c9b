// Keeps the tickets that were opened in this browser, for when there is no network
// at the door. It answers for what is below /tickets/ alone, and asks the network
// first.
'use strict';

const TICKETS = 'tickets-1', FILES = 'ticket-files-1';
const MOST = 50; // tickets that are kept
const PATIENCE = 5_000; // with the network, for all of a page, where there is a copy

const isTicket = url => url.origin === location.origin && /^\/tickets\/v\d+\.[\w-]+$/.test(url.pathname);
const filesOf = text => new Set(text.match(/\/static\/[\w.-]+/g));

addEventListener('install', e => e.waitUntil(skipWaiting()));
addEventListener('activate', e => e.waitUntil(clients.claim()));

addEventListener('fetch', e => {
	const url = new URL(e.request.url);
	if (e.request.method !== 'GET' || url.origin !== location.origin) return;
	if (e.request.mode === 'navigate' && isTicket(url)) e.respondWith(page(e, url.origin + url.pathname));
	else if (url.pathname.startsWith('/static/')) e.respondWith(file(e.request));
});

// The page that made this script run was loaded without it.
addEventListener('message', e => {
	const url = new URL(e.source.url);
	if (isTicket(url)) e.waitUntil(fetch(url).then(answer => keep(url.origin + url.pathname, answer)));
});

async function page(e, key) {
	const tickets = await caches.open(TICKETS), copy = await tickets.match(key);
	try {
		const answer = await fetch(e.request, copy ? { signal: AbortSignal.timeout(PATIENCE) } : {});
		if (copy) await answer.clone().text(); // half a ticket is worse than a copy
		e.waitUntil(keep(key, answer.clone()));
		if (!copy || answer.ok || answer.status === 404 || answer.type === 'opaqueredirect') return answer;
	} catch (problem) {
		if (!copy) throw problem;
	}
	e.waitUntil(tidy());
	const text = await copy.text();
	return new Response(text.replace(/(<p id="saved"[^>]*) hidden>/, '$1>'), { headers: copy.headers });
}

// What a page asks for has a hash in its name, and never changes.
async function file(request) {
	return await (await caches.open(FILES)).match(request.url) ?? fetch(request);
}

// A ticket that is none any more goes; what is no answer of ours changes nothing.
async function keep(key, answer) {
	const tickets = await caches.open(TICKETS), files = await caches.open(FILES);
	if (answer.status === 404) await tickets.delete(key);
	const text = await answer.text();
	if (!answer.ok || !text.includes('id="ticket"')) return;
	for (const path of filesOf(text)) {
		if (!await files.match(path)) await files.add(path);
	}
	const headers = { 'Content-Type': 'text/html; charset=utf-8' };
	for (const name of ['Content-Security-Policy', 'Content-Language', 'Referrer-Policy']) headers[name] = answer.headers.get(name);
	await tickets.delete(key); // the last that was opened stands last
	await tickets.put(key, new Response(text, { headers }));
	await tidy();
}

// tidy drops tickets of events that are over, all but the last ones, and files that
// no page has any more.
async function tidy() {
	const tickets = await caches.open(TICKETS), files = await caches.open(FILES);
	const keys = await tickets.keys(), used = new Set();
	for (const [i, key] of keys.entries()) {
		const text = await (await tickets.match(key))?.text() ?? '';
		const until = Number(/data-until="(\d+)"/.exec(text)?.[1]);
		if (i < keys.length - MOST || until && until < Date.now()) await tickets.delete(key);
		else for (const path of filesOf(text)) used.add(path);
	}
	for (const file of await files.keys()) {
		if (!used.has(new URL(file.url).pathname)) await files.delete(file);
	}
}
