// A remote control for Chromium: the Rust tests write one JSON object per line, and get one per line.
//
//   in:  {"id": 1, "do": "goto", "context": 1, "url": "http://..."}
//   out: {"id": 1, "ok": true, "status": 200}  or  {"id": 1, "ok": false, "error": "..."}
//
// Each context is a visitor of their own: own cookies, one page. Contexts work side by side; the commands of one wait
// for each other. What a command does is said at its name in `commands` below. A broken rule of the page's content
// security policy, or an exception in its scripts, makes every later command of that context fail until `console`
// has been asked. Ends with its standard input.
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

const PATIENCE = 10_000; // milliseconds, for anything
const AXE = readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const AXE_RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--no-proxy-server'],
});
const visitors = new Map();

/** Answers the new context's number, which every other command but `quit` names. */
async function newContext({ id, javascript = true, width = 1366, height = 768, scheme = 'light' }) {
  const context = await browser.newContext({
    javaScriptEnabled: javascript, viewport: { width, height }, colorScheme: scheme, reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const visitor = { context, page, javascript, status: null, requests: [], console: [], broken: null, queue: null };
  page.on('request', (request) => {
    if (request.isNavigationRequest() && request.frame() === page.mainFrame() && !request.redirectedFrom()) {
      visitor.requests = [];
    }
    visitor.requests.push({ request });
  });
  page.on('response', (response) => {
    const request = response.request();
    if (request.isNavigationRequest() && request.frame() === page.mainFrame()) visitor.status = response.status();
  });
  const blame = (text) => { visitor.console.push(text); visitor.broken ??= text; };
  page.on('pageerror', (error) => blame(`exception: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    message.text().includes('Content Security Policy') ? blame(message.text()) : visitor.console.push(message.text());
  });
  visitors.set(id, visitor);
  return { context: id };
}

/** Text as a person reads it: what `main` shows, or the whole body of a page without one. */
async function shown(page) {
  const main = page.locator('main');
  return (await main.count()) ? main.first().innerText() : page.locator('body').innerText();
}

/** The control of a label: the label's whole text wins over a part of it; `nth` of several, from 0. */
async function labeled(page, label, nth = null) {
  const loose = page.getByLabel(label);
  await loose.first().waitFor({ state: 'attached' });
  const exact = page.getByLabel(label, { exact: true });
  const found = (await exact.count()) ? exact : loose;
  return nth === null ? found : found.nth(nth);
}

/** A click or a key may leave the page: waits for the next one to be there. */
async function settle(page) {
  await page.waitForLoadState('load');
}

/** Runs in the page. */
async function look(rules) {
  const sideways = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  const blurred = [];
  const covered = [];
  for (const control of [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')].slice(0, 80)) {
    if (!control.checkVisibility({ visibilityProperty: true })) continue;
    control.focus({ focusVisible: true });
    if (document.activeElement !== control) continue;
    const shows = (one) => {
      const style = one && getComputedStyle(one);
      return style && ((style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none');
    };
    const name = control.outerHTML.slice(0, 160);
    if (!shows(control) && !shows(control.closest('label'))) blurred.push(name);
    const { left, top, width, height } = control.getBoundingClientRect();
    const over = document.elementFromPoint(left + width / 2, top + height / 2);
    for (let one = over; one && !one.contains(control) && !control.contains(one); one = one.parentElement) {
      if (['sticky', 'fixed'].includes(getComputedStyle(one).position)) { covered.push(name); break; }
    }
  }
  document.activeElement?.blur();
  window.scrollTo(0, 0);
  const found = await axe.run(document, { runOnly: rules });
  const violations = found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((node) => `${node.html} ${node.failureSummary}`).join(' | ')}`);
  return { sideways, blurred, covered, violations };
}

/** Runs in the page: bytes as they came over the wire (1 for each that came from the cache), and how many things. */
function weigh() {
  const [page] = performance.getEntriesByType('navigation');
  const things = performance.getEntriesByType('resource');
  const bytes = (end) => things.filter((one) => new URL(one.name).pathname.endsWith(end)).reduce((sum, one) => sum + one.encodedBodySize, 0);
  return {
    html: page.encodedBodySize, css: bytes('.css'), js: bytes('.js'), requests: 1 + things.length,
    foreign: things.map((one) => one.name).filter((name) => new URL(name).origin !== location.origin),
  };
}

const commands = {
  async goto({ page }, { url }) { await page.goto(url); },
  /** By role and accessible name; `nth` counts from 0, and without it only one may match. */
  async click({ page }, { role, name, exact = true, nth = null }) {
    const found = page.getByRole(role, { name, exact });
    await (nth === null ? found : found.nth(nth)).click();
    await settle(page);
  },
  async fill({ page }, { label, value, nth }) { await (await labeled(page, label, nth)).fill(value); },
  /** A radio button or a checkbox. */
  async choose({ page }, { label, nth }) { await (await labeled(page, label, nth)).check(); },
  async select({ page }, { label, option }) { await (await labeled(page, label)).selectOption({ label: option }); },
  async press({ page }, { key }) { await page.keyboard.press(key); await settle(page); },
  /** The words of what has the focus. */
  /** The words of what has the focus: of a field its label. */
  async focused({ page }) {
    const words = () => {
      const there = document.activeElement;
      return (there?.labels?.[0] ?? there)?.textContent.replace(/\s+/g, ' ').trim() ?? '';
    };
    return { focused: await page.evaluate(words) };
  },
  async text({ page }) { return { text: await shown(page) }; },
  /** Waits until the text is to be seen; spaces and line ends count as one space. */
  async see({ page }, { text }) {
    const flat = (some) => some.replace(/\s+/g, ' ').trim();
    for (const end = performance.now() + PATIENCE; performance.now() < end; await sleep(50)) {
      const now = await shown(page).catch(() => ''); // between two pages
      if (flat(now).includes(flat(text))) return;
    }
    throw new Error(`"${text}" is not to be seen`);
  },
  async title({ page }) { return { title: await page.title() }; },
  async url({ page }) { return { url: page.url() }; },
  /** Of the last answer to the page itself; null for an address without HTTP. */
  async status({ status }) { return { status }; },
  async content({ page }) { return { content: await page.content() }; },
  async axe({ page, javascript }) {
    if (!javascript) throw new Error('axe needs a context with JavaScript');
    await page.evaluate(AXE);
    const found = await page.evaluate((rules) => axe.run(document, { runOnly: rules }), AXE_RULES);
    return { violations: found.violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((node) => `${node.html} ${node.failureSummary}`) })) };
  },
  /**
   * What a page is like in each of these windows ({ width, height, scheme }), without loading it again: what axe finds,
   * whether one has to scroll sideways, which controls show no focus or show it under something; and what it weighs.
   */
  async survey({ page }, { windows }) {
    await page.evaluate(AXE);
    const looks = [];
    for (const { width, height, scheme } of windows) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme });
      looks.push({ width, scheme, ...await page.evaluate(look, AXE_RULES) });
    }
    return { looks, weight: await page.evaluate(weigh) };
  },
  async screenshot({ page }, { path, full = false }) { await page.screenshot({ path, fullPage: full, animations: 'disabled' }); },
  /** Whether the page is wider than its window. */
  async sideways({ page }) {
    return { sideways: await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth) };
  },
  /** Everything that the last page asked for; bytes of header and body as they came over the wire. */
  async requests({ page, requests }) {
    await page.waitForLoadState('networkidle');
    return { requests: await Promise.all(requests.map(async ({ request }) => {
      const sizes = (await request.response().catch(() => null)) && (await request.sizes());
      return { url: request.url(), bytes: sizes ? sizes.responseHeadersSize + sizes.responseBodySize : 0 };
    })) };
  },
  /** The errors in the console since the last time. */
  async console(visitor) {
    visitor.broken = null;
    return { console: visitor.console.splice(0) };
  },
  async cookies({ context }) { return { cookies: await context.cookies() }; },
  async close_context(visitor, { context }) {
    visitors.delete(context);
    await visitor.context.close();
  },
};

/** Playwright has its own limits for most things; this one is for the rest. */
async function inTime(work) {
  const limit = new AbortController();
  const late = sleep(PATIENCE * 1.5, null, { signal: limit.signal }).then(() => { throw new Error('no answer in time'); });
  late.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    limit.abort();
  }
}

/** Where a visitor is and what they see, for whoever reads about a failure. */
async function seen({ page, status }) {
  const text = await inTime(shown(page)).catch((error) => `(${error.message})`);
  return `${page.url()} answered ${status}: ${text.slice(0, 2_000)}`;
}

async function perform(command) {
  if (command.do === 'new_context') return newContext(command);
  const visitor = visitors.get(command.context);
  if (!visitor) throw new Error(`no such context: ${command.context}`);
  const action = commands[command.do];
  if (!action) throw new Error(`no such command: ${command.do}`);
  const before = visitor.queue;
  const turn = (async () => {
    await before?.catch(() => {});
    return inTime(action(visitor, command)).catch(async (error) => { throw new Error(`${error.message}\n${await seen(visitor)}`); });
  })();
  visitor.queue = turn;
  const answer = await turn;
  if (visitor.broken) throw new Error(`the page broke a rule: ${visitor.broken}`);
  return answer;
}

const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
const plain = (text) => text.replace(/\u001b\[[0-9;]*m/g, '');

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  if (command.do === 'quit') break;
  perform(command).then(
    (answer) => say({ id: command.id, ok: true, ...answer }),
    (error) => say({ id: command.id, ok: false, error: plain(error.message) }),
  );
}
await browser.close();
process.exit();
