// What the page does beyond its forms and links. Everything here is an
// addition: without it each form still posts and each link still leads on.
(() => {
	'use strict';

	const byId = id => document.getElementById(id);
	const on = (name, run) => document.addEventListener(name, run);
	const texts = byId('texts').dataset; // in the page's language
	// A seat is a button, or where it is booked for the viewer a link.
	const isSeat = el => el instanceof Element && el.matches('#plan [data-v]');
	const seatsIn = el => [...el.querySelectorAll('[data-v]')];

	// ---- The status line: the one place that is read out. ----

	function say(line, refused) {
		const span = document.createElement('span');
		span.className = refused ? 'refused' : 'done';
		span.textContent = line;
		byId('status')?.replaceChildren(span);
	}

	// ---- What a fragment may change. ----

	// Parts of a full resync are believed even where they are older than what
	// is shown: the store may have been restored from a backup.
	const resyncs = new WeakSet();

	on('htmx:before:swap', e => {
		for (const task of e.detail.tasks) {
			if (task.swapSpec?.resync) resyncs.add(task.fragment);
		}
		dropOldBasket(e.detail);
		inBasket = Boolean(document.activeElement?.closest('#basket'));
		patchSections(e.detail.tasks);
		turnSeats(e.detail.tasks);
		// Whole sections are as everybody sees them, single seats may be the
		// viewer's own: those come last.
		e.detail.tasks.sort((a, b) => (a.type === 'oob') - (b.type === 'oob'));
	});

	// What had the focus in the basket may go with a swap, the answer's or the
	// stream's, whichever is the one that takes it out: stay there.
	let inBasket = false;

	function stayInBasket() {
		if (document.activeElement === document.body) byId('basket-title')?.focus({ preventScroll: true });
	}

	on('htmx:after:swap', () => { if (inBasket) stayInBasket(); });

	// The stream tells of every change of the basket. What it told since a form
	// was sent is not undone by that form's answer, which may have been long
	// under way.
	let basketTold = 0;

	function dropOldBasket({ ctx, tasks }) {
		const at = tasks.findIndex(task => task.target?.id === 'basket');
		if (at < 0) return;
		if (ctx.sourceElement.id === 'live') basketTold = performance.now();
		else if (basketTold > ctx.sentAt) tasks.splice(at, 1);
	}

	// Answers and streams overtake each other. An older seat never replaces a
	// newer one, and of two renderings of the same version the viewer's wins.
	function isStale(shown, next) {
		if (!isSeat(shown) || !next.dataset?.v || resyncs.has(next.getRootNode())) return false;
		const have = Number(shown.dataset.v), get = Number(next.dataset.v);
		return get < have || get === have && shown.matches('.mine');
	}

	// A section that is told as a whole is hundreds of seats that differ in a few
	// attributes. To set those costs the browser a fraction of a morph. What is
	// more than that, as in a resync, is left to htmx.
	const CHANGING = ['class', 'data-v', 'aria-pressed', 'aria-label', 'aria-disabled', 'formaction'];

	function patchSections(tasks) {
		for (const task of tasks.filter(t => /^rows-/.test(t.target?.id))) {
			const seats = seatsIn(task.fragment), shown = seatsIn(task.target);
			if (shown.length !== seats.length || shown.some((seat, i) => seat.id !== seats[i].id)) continue;
			const resync = task.swapSpec?.resync;
			shown.forEach((seat, i) => {
				if (!isStale(seat, seats[i]) && !turned(seat, seats[i]) && !resync) patch(seat, seats[i]);
			});
			if (!resync) tasks.splice(tasks.indexOf(task), 1);
		}
	}

	// A button that becomes a link, or a link a button, is another element. A morph
	// would put it there without asking whether it is older, and lose the focus.
	function turnSeats(tasks) {
		for (const task of tasks.filter(t => isSeat(t.target))) {
			const next = task.fragment.querySelector('[data-v]');
			if (next && (isStale(task.target, next) || turned(task.target, next))) tasks.splice(tasks.indexOf(task), 1);
		}
	}

	function turned(seat, next) {
		if (seat.tagName === next.tagName) return false;
		const focused = seat === document.activeElement;
		const other = next.cloneNode(true); // what is told goes on to htmx
		other.removeAttribute('hx-swap-oob');
		other.tabIndex = seat.tabIndex;
		seat.replaceWith(other);
		if (focused) other.focus({ preventScroll: true });
		return true;
	}

	function patch(seat, next) {
		for (const name of CHANGING) {
			const value = next.getAttribute(name);
			if (value === null) seat.removeAttribute(name);
			else if (seat.getAttribute(name) !== value) seat.setAttribute(name, value);
		}
	}

	htmx.registerExtension('seatlock', {
		htmx_before_morph_node: (el, { oldNode, newNode }) => !isStale(oldNode, newNode),
		// The tab stop is this script's own, and no fragment knows it.
		htmx_before_morph_attr: (el, { attrName }) => attrName !== 'tabindex' || !isSeat(el),
	});

	// ---- Posts. ----

	on('htmx:config:request', e => {
		const { request, sourceElement } = e.detail.ctx;
		// A second press of an own seat goes to the button's own address, as it
		// would without htmx.
		const own = request.submitter?.getAttribute('formaction');
		if (own) request.action = own;
		e.detail.ctx.sentAt = performance.now();
		request.submitter?.toggleAttribute('data-pending', true);
		// The stream may take a form out of the basket before its answer comes:
		// htmx drops an answer whose target is gone.
		if (sourceElement.matches('form')) e.detail.ctx.target = byId('main');
		if (sourceElement.id === 'live' && lastEventId) request.headers['Last-Event-ID'] = lastEventId;
	});

	on('htmx:finally:request', e => {
		const { request, sourceElement } = e.detail.ctx;
		request.submitter?.toggleAttribute('data-pending', false);
		// Not every browser gives the focus to what is pressed.
		if (sourceElement.closest('#basket') || !sourceElement.isConnected) stayInBasket();
	});

	on('htmx:error', e => {
		const source = e.detail.ctx?.sourceElement;
		if (source?.id === 'live') lost();
		else if (source?.matches('form, .lines')) say(texts.unsent, true);
	});

	on('htmx:response:error', e => {
		const { sourceElement, text } = e.detail.ctx;
		if (sourceElement.id === 'live') refused(e.detail.ctx.response.status);
		// An answer of ours brings its own line; a proxy's does not.
		else if (!/id="status"[^>]*hx-swap-oob/.test(text)) say(texts.undone, true);
	});

	// A double click is one decision, not a lock and its release, nor two blocks.
	document.addEventListener('click', e => {
		const button = e.target.closest?.('button');
		if (e.detail > 1 && (isSeat(button) || button?.closest('#best'))) e.preventDefault();
	}, true);

	// Whoever asks for the best seats below the map sees which they are, or why
	// there are none.
	on('htmx:finally:request', e => {
		const { sourceElement, text } = e.detail.ctx;
		if (!sourceElement.closest('#best')) return;
		const seat = /id="(seat-[^"]+)" class="locked mine"/.exec(text)?.[1];
		byId(seat ?? 'status')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
	});

	// ---- The stream: is it there, and whose is it? ----

	const SILENCE = 40_000; // a heartbeat comes every 15 s
	const GRACE = 2_500; // an ordinary reconnect is not worth a word

	let lastEventId = '';
	let heard = performance.now();
	let grace = 0; // timer; 0 while connected
	let told = false; // that the connection is lost

	const stream = () => byId('live')?._htmx?.sse;

	function show(text, state) {
		const el = byId('connection');
		if (!el) return;
		el.hidden = false;
		el.textContent = text;
		el.className = state;
	}

	function lost() {
		if (grace || document.hidden) return;
		grace = setTimeout(() => {
			told = true;
			show(texts.reconnecting, 'lost');
			say(texts.lost, true);
		}, GRACE);
	}

	function connected() {
		clearTimeout(grace);
		grace = 0;
		heard = performance.now();
		show(texts.live, 'live');
		if (told) say(texts.restored);
		told = false;
	}

	// Cancelling the reader makes the extension connect anew, with the cookie
	// of now and from the last event that was seen.
	function reconnect() {
		const sse = stream();
		if (sse?.reader) sse.reader.cancel().catch(() => {});
		else sse?.abortController?.abort();
	}

	on('htmx:sse:after:connection', connected);
	// Where there is no such page any more, the page says so when it is asked for
	// again, which all that show it need not do at the same time.
	let leaving = 0;

	function leave() {
		leaving ||= setTimeout(() => location.reload(), Math.random() * 2_000);
	}

	function refused(status) {
		if (status === 404) leave();
		else lost();
	}

	on('gone', leave);
	on('htmx:sse:error', e => refused(e.detail.status));
	on('htmx:sse:close', lost);
	on('htmx:sse:before:connection', e => {
		if (leaving) e.detail.connection.cancelled = true;
		else if (e.detail.connection.attempt > 0) lost();
	});
	on('htmx:sse:before:message', () => { heard = performance.now(); });
	on('htmx:sse:after:message', e => { lastEventId = e.detail.message.id || lastEventId; });
	on('visibilitychange', () => {
		heard = performance.now();
		if (document.hidden) { clearTimeout(grace); grace = 0; }
	});
	addEventListener('online', () => stream()?.delayCanceller?.());

	// A dead peer sends no goodbye.
	setInterval(() => {
		if (!document.hidden && stream()?.reader && performance.now() - heard > SILENCE) {
			heard = performance.now();
			lost();
			reconnect();
		}
	}, 5_000);

	// The visitor's other tabs must learn that there is a new identity, or
	// they would show the visitor's own seats as somebody else's.
	let channel = null;

	function join() {
		if (!('BroadcastChannel' in window)) return;
		channel ??= new BroadcastChannel('seatlock');
		channel.onmessage = reconnect;
	}

	addEventListener('pageshow', join);
	addEventListener('pagehide', () => { channel?.close(); channel = null; });
	on('identity', () => {
		channel?.postMessage('identity');
		reconnect();
	});

	// ---- The countdown. ----

	let deadline = null; // as the page writes it
	let end = 0; // the same on this page's clock
	let before = Infinity; // what was left when last looked at
	let shown = ''; // what the countdown says, unless a fragment replaced it

	// The server's deadline, seen through the network, is never early: of
	// several sightings the earliest is nearest to the truth.
	function sight(time, since) {
		const seen = since + Number(time.dataset.left);
		end = time.dateTime === deadline ? Math.min(end, seen) : seen;
		if (time.dateTime !== deadline) before = Infinity;
		deadline = time.dateTime;
	}

	function tick() {
		const time = byId('countdown');
		if (!time) return;
		const left = Math.max(0, end - performance.now());
		const s = Math.ceil(left / 1000);
		shown = texts.left.replace('{time}', `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`);
		if (time.textContent !== shown) time.textContent = shown;
		time.classList.toggle('soon', s <= 120);
		const extend = byId('extend');
		if (extend && left <= Number(extend.dataset.window)) extend.hidden = false;
		for (const mark of [120, 30]) {
			if (before > mark && s <= mark && s > mark - 10 && before !== Infinity) {
				say(texts[`left${mark}`] + (extend ? ` ${texts.longer}` : ''));
			}
		}
		before = s;
	}

	on('htmx:after:swap', () => {
		const time = byId('countdown');
		if (time && time.textContent !== shown) sight(time, performance.now());
		tick();
	});
	setInterval(tick, 250);

	// ---- Arrow keys between seats. ----

	// Of all tab stops in a section one remains; the arrow keys do the rest.
	function tabStop(seat) {
		const was = seat.closest('form').querySelector('[data-v][tabindex="0"]');
		if (was && was !== seat) was.tabIndex = -1;
		seat.tabIndex = 0;
	}

	function rove() {
		for (const form of document.querySelectorAll('#plan form')) {
			const seats = seatsIn(form);
			for (const seat of seats) seat.tabIndex = -1;
			const first = seats.find(s => s.matches('.mine')) ?? seats.find(s => s.className === 'available') ?? seats[0];
			if (first) first.tabIndex = 0;
		}
	}

	const isListed = seat => getComputedStyle(seat).position === 'static';

	// The nearest seat in a direction, by where seats are: rows may be curved,
	// and numbered either way. What lies more to the side than ahead is not in
	// that direction on a map; a list has lines, and the next is the next.
	function nearest(from, dx, dy) {
		const list = isListed(from);
		let best = null, least = Infinity;
		for (const seat of seatsIn(byId('plan'))) {
			if (!seat.offsetParent) continue; // folded away
			const x = seat.offsetLeft - from.offsetLeft, y = seat.offsetTop - from.offsetTop;
			const ahead = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
			const cost = list ? 1000 * ahead + aside : ahead + 2 * aside;
			if (ahead > 0 && (list || aside <= ahead * 1.5) && cost < least) [best, least] = [seat, cost];
		}
		return best;
	}

	// A row of the list goes on in the next line.
	function beside(seat, dx) {
		if (!isListed(seat)) return nearest(seat, dx, 0);
		return dx < 0 ? seat.previousElementSibling : seat.nextElementSibling;
	}

	function target(seat, key) {
		switch (key) {
		case 'ArrowLeft': return beside(seat, -1);
		case 'ArrowRight': return beside(seat, 1);
		case 'ArrowUp': return nearest(seat, 0, -1);
		case 'ArrowDown': return nearest(seat, 0, 1);
		case 'Home': return seat.parentElement.firstElementChild;
		case 'End': return seat.parentElement.lastElementChild;
		case 'CtrlHome': return seatsIn(seat.closest('form'))[0];
		case 'CtrlEnd': return seatsIn(seat.closest('form')).at(-1);
		}
		return null;
	}

	on('keydown', e => {
		if (!isSeat(e.target) || e.altKey || e.metaKey || e.shiftKey) return;
		const key = (e.ctrlKey ? 'Ctrl' : '') + e.key;
		if (!/^(Arrow|(Ctrl)?(Home|End)$)/.test(key)) return;
		e.preventDefault();
		target(e.target, key)?.focus();
	});
	on('focusin', e => { if (isSeat(e.target)) tabStop(e.target); });

	// A hall wider than its window shows its middle first, and of a stage that
	// would fill the window the edge before the seats.
	function centre() {
		const map = byId('map'), stage = byId('stage');
		if (!map) return;
		map.scrollLeft = (map.scrollWidth - map.clientWidth) / 2;
		if (stage && stage.offsetHeight > map.clientHeight / 3) map.scrollTop = stage.offsetTop + stage.offsetHeight * 0.75;
	}

	// ---- The view that was chosen last, where the browser may keep it. ----

	on('change', e => {
		if (e.target.name !== 'zoom') return;
		centre();
		try { localStorage.setItem('view', e.target.id); } catch { /* then not */ }
	});

	function recall() {
		let view = null;
		try { view = byId(localStorage.getItem('view')); } catch { /* then not */ }
		if (view?.name !== 'zoom') return;
		// On a narrow screen the first choice may be the list.
		if (!view.offsetParent) view = byId('zoom-fit');
		view.checked = true;
	}

	// What a link leads to may be folded away in the list.
	function unfold() {
		const seat = byId(location.hash.slice(1));
		const fold = isSeat(seat) && seat.closest('form').querySelector('.fold');
		if (!fold || fold.checked) return;
		fold.checked = true;
		seat.scrollIntoView({ block: 'center' });
	}
	addEventListener('hashchange', unfold);

	// ---- A tariff that is chosen anew is wrong only if the answer says so. ----

	on('change', e => {
		if (e.target.matches('.lines select')) e.target.removeAttribute('aria-invalid');
	});

	// ---- A ticket: kept for when there is no network, on a screen that stays on. ----

	async function keepTicket() {
		const known = navigator.serviceWorker?.controller;
		try {
			await navigator.serviceWorker.register('/tickets/offline.js');
			if (!known) (await navigator.serviceWorker.ready).active.postMessage('keep');
		} catch { /* then it is there with a network only */ }
	}

	async function stayOn() {
		try { if (!document.hidden) await navigator.wakeLock.request('screen'); } catch { /* then not */ }
	}

	if (byId('ticket')) {
		keepTicket();
		stayOn();
		on('visibilitychange', stayOn);
	}

	// ---- Now. ----

	rove();
	recall();
	unfold();
	if (!location.hash) centre();
	join();
	// The page has been under way since its first byte was received.
	const page = performance.getEntriesByType('navigation')[0];
	if (byId('countdown')) sight(byId('countdown'), page?.responseStart ?? 0);
	tick();
	if (byId('main')?.hasAttribute('data-new-visitor')) channel?.postMessage('identity');

	// What a form's answer told once is not told again on a reload or from a
	// bookmark.
	const address = new URL(location.href);
	for (const name of ['note', 'cursor', 'lang']) address.searchParams.delete(name);
	if (address.href !== location.href) history.replaceState(history.state, '', address);
})();
