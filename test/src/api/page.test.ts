// The page in a real browser: what people see, and that nothing goes wrong behind it.
import t from 'tap';
import { answer, apiNode, modelName, question, until } from '../support/api-cluster.js';
import { axeSource, launchBrowser, missingBrowser, screenshotPath } from '../support/browser.js';

const skip = missingBrowser();
const clusterKey = 'ab'.repeat(32);
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const desk = { viewport: { width: 1280, height: 800 } };

// biome-ignore lint/suspicious/noExplicitAny: playwright's types are not there where it is not installed
type Playwright = any;

/** A tab that notes everything that should not happen. */
async function openPage(browser: Playwright, url: string, options: object) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  page.on('console', (message: Playwright) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error: Error) => complaints.push(String(error)));
  page.on('request', (request: Playwright) => {
    if (!request.url().startsWith(`${url}/`)) complaints.push(`asked ${request.url()}`);
  });
  // Violations of the policy are written to the console, too; this names what was violated.
  await page.addInitScript(() => {
    const root = globalThis as Playwright;
    root.addEventListener('securitypolicyviolation', (event: Playwright) =>
      root.console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  await page.goto(`${url}/`);
  return { context, page, complaints };
}

/** Nothing is wider than the screen. */
const overflow = (page: Playwright): Promise<number> =>
  page.evaluate(() => {
    const { document, innerWidth } = globalThis as Playwright;
    return Math.max(0, document.documentElement.scrollWidth - innerWidth);
  });

/** What is hard to read or to reach, by the rules of axe. */
async function hurdles(page: Playwright): Promise<string[]> {
  await page.evaluate(axeSource());
  const { violations } = await page.evaluate(() =>
    (globalThis as Playwright).axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice'] }),
  );
  return violations.map(
    ({ id, nodes }: Playwright) =>
      `${id}: ${nodes
        .map((node: Playwright) => node.html)
        .join(' ')
        .slice(0, 300)}`,
  );
}

t.test('chat, and a cluster that grows and shrinks', { skip }, async (t) => {
  const node = await apiNode({}, { clusterKey, name: 'kitchen' });
  t.teardown(() => node.close());
  const browser = await launchBrowser();
  t.teardown(() => browser.close());
  const { page, complaints } = await openPage(browser, node.url, desk);

  await page.waitForSelector('#picture .node');
  t.equal(await page.isDisabled('#send'), true, 'nothing to ask yet');
  t.match(await page.textContent('#welcome-text'), /No model is loaded/);
  await page.screenshot({ path: screenshotPath('empty') });
  await page.click('#loading summary');
  await page.fill('#load-model', modelName);
  await page.click('#preview');
  await page.waitForSelector('#outcome .reasons li');
  await page.click('#load button[type=submit]');
  await page.waitForSelector('#instances .ready .strip');
  await page.waitForFunction(() => !(globalThis as Playwright).document.querySelector('#send').disabled);
  t.match(await page.textContent('#welcome-text'), /runs on kitchen/);
  await page.click('#loading summary');

  await page.fill('#prompt', question[0]?.content);
  await page.press('#prompt', 'Enter');
  await page.waitForSelector('#messages[aria-busy=false] .assistant .meta:has-text("tokens/s")');
  t.equal((await page.textContent('.assistant .text')).trim(), answer);
  t.match(await page.textContent('.assistant .meta'), /^12 tokens · [\d.]+ tokens\/s · first after [\d.]+ m?s/);

  // Stops by itself as soon as there is something to see: the shipped model is done before a hand could be there.
  await page.route('**/v1/chat/completions', (route: Playwright) => {
    const body = { ...route.request().postDataJSON(), ignore_eos: true, temperature: 1.5, seed: 5 };
    return route.continue({ postData: JSON.stringify(body) });
  });
  await page.evaluate(() => {
    const { document, MutationObserver } = globalThis as Playwright;
    const watcher = new MutationObserver(() => {
      const [, second] = document.querySelectorAll('.assistant .text');
      if (!second?.textContent) return;
      watcher.disconnect();
      document.querySelector('#stop').click();
    });
    watcher.observe(document.querySelector('#messages'), { subtree: true, childList: true, characterData: true });
  });
  await page.fill('#prompt', 'Say something long.');
  await page.click('#send');
  await page.waitForSelector('.assistant .meta:has-text("stopped")');
  t.equal(await page.isVisible('#send'), true, 'another question may be asked');
  const instance = await page.getAttribute('[data-instance]', 'data-instance');
  const slots = async () => {
    const reports = (await (await fetch(`${node.url}/cluster/instances/${instance}/statistics`)).json()) as Playwright;
    return reports[0].statistics.residentSlots as number;
  };
  await until(async () => (await slots()) === 0, 'a free slot');
  await page.unroute('**/v1/chat/completions');

  const second = await apiNode({}, { apis: false, clusterKey, name: 'attic', peers: node.cluster.addresses });
  t.teardown(() => second.close());
  await page.waitForSelector('#picture [data-node=attic]');
  await page.waitForSelector('#nodes [data-node=attic]');
  await page.waitForSelector('#picture .latency');
  const spread = await second.cluster.load(modelName, { plan: 'pp=2' });
  await page.waitForSelector(`[data-instance="${spread.instance}"] .stage:nth-child(2)`);
  await page.waitForSelector('#picture .link.used', { state: 'attached' });
  await page.click(`[data-instance="${spread.instance}"] summary`);
  await page.waitForSelector(`[data-instance="${spread.instance}"] .reasons li`);
  await page.waitForSelector('#nodes [data-node=attic] .meter');
  await page.screenshot({ path: screenshotPath('two-nodes') });
  t.same(await hurdles(page), []);
  await page.emulateMedia({ colorScheme: 'dark' });
  t.same(await hurdles(page), [], 'in the dark');
  await page.screenshot({ path: screenshotPath('two-nodes-dark') });

  await page.click(`[data-instance="${spread.instance}"] button`);
  await page.click(`[data-instance="${spread.instance}"] button:has-text("Really unload")`);
  await page.waitForSelector(`[data-instance="${spread.instance}"]`, { state: 'detached' });

  await second.close();
  await page.waitForSelector('#picture [data-node=attic]', { state: 'detached' });
  await page.waitForSelector('#picture [data-node=kitchen]');
  t.equal(await overflow(page), 0);
  t.same(complaints, []);
});

t.test('on a phone', { skip }, async (t) => {
  const node = await apiNode({}, { clusterKey, name: 'a-machine-with-quite-a-long-name' });
  t.teardown(() => node.close());
  await node.cluster.load(modelName);
  const browser = await launchBrowser();
  t.teardown(() => browser.close());
  for (const colorScheme of ['light', 'dark']) {
    const { context, page, complaints } = await openPage(browser, node.url, { ...phone, colorScheme });
    await page.waitForSelector('#send:enabled');
    await page.fill('#prompt', question[0]?.content);
    await page.tap('#send');
    await page.waitForSelector('#messages[aria-busy=false] .assistant .meta:has-text("tokens/s")');
    await page.evaluate(showMarkdown, sample);
    t.equal(await overflow(page), 0, 'chat');
    t.same(await hurdles(page), [], 'chat');
    await page.screenshot({ path: screenshotPath(`phone-chat-${colorScheme}`) });
    await page.tap('[data-show=cluster]');
    await page.waitForSelector('#nodes .meter');
    for (const summary of await page.$$('#cluster summary')) await summary.tap();
    t.equal(await overflow(page), 0, 'cluster');
    t.same(await hurdles(page), [], 'cluster');
    await page.screenshot({ path: screenshotPath(`phone-cluster-${colorScheme}`), fullPage: true });
    t.same(complaints, []);
    await context.close();
  }
});

/** Runs in the page: puts a text into the last answer. */
async function showMarkdown(text: string): Promise<string> {
  const { document } = globalThis as Playwright;
  const path = '/page/markdown.js';
  const { show } = await import(path);
  const place = [...document.querySelectorAll('.assistant .text')].at(-1) ?? document.createElement('div');
  show(place, text);
  return place.innerHTML;
}

const sample = [
  '# Sums',
  'A **bold** *word*, `code`, and [a link](https://example.org).',
  '1. one\n2. two\n   - nested',
  '> quoted',
  `\`\`\`js\nconst veryLong = ${'1 + '.repeat(60)}1;\n\`\`\``,
  `| a | b |\n|---|--:|\n| ${'wide '.repeat(40)} | 2 |`,
  `A word that does not end: ${'w'.repeat(300)}`,
].join('\n\n');

t.test('Markdown is shown as elements, and nothing of it runs', { skip }, async (t) => {
  const node = await apiNode({}, { name: 'kitchen' });
  t.teardown(() => node.close());
  const browser = await launchBrowser();
  t.teardown(() => browser.close());
  const { page, complaints } = await openPage(browser, node.url, desk);
  for (const [text, expected] of [
    ['one\ntwo', '<p>one\ntwo</p>'],
    ['**a** *b* `c` ~~d~~', '<p><strong>a</strong> <em>b</em> <code>c</code> <del>d</del></p>'],
    ['# A', '<h3>A</h3>'],
    ['3. x\n4. y', '<ol start="3"><li><span>x</span></li><li><span>y</span></li></ol>'],
    ['- [x] done', /^<ul><li>.*☑ .*done.*<\/li><\/ul>$/],
    ['> q', '<blockquote><p>q</p></blockquote>'],
    ['5 < 6 &amp; `&amp;` &lt;b&gt;', '<p>5 &lt; 6 &amp; <code>&amp;amp;</code> &lt;b&gt;</p>'],
    ['<script>alert(1)</script>', '<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>'],
    ['a <img src=x onerror=alert(1)> b', '<p>a &lt;img src=x onerror=alert(1)&gt; b</p>'],
    ['[x](javascript:alert(1))', '<p>[x](javascript:alert(1))</p>'],
    ['![cat](https://example.org/cat.png)', /^<p><a href="https:\/\/example.org\/cat.png" .*>cat<\/a><\/p>$/],
    [
      '[x](https://example.org "t")',
      /^<p><a href="https:\/\/example.org" target="_blank" rel="noopener noreferrer">x<\/a><\/p>$/,
    ],
    ['```\n<b>', /<pre tabindex="0"><code>&lt;b&gt;<\/code><\/pre>/],
  ] as const) {
    const shown = await page.evaluate(showMarkdown, text);
    if (typeof expected === 'string') t.equal(shown, expected, text);
    else t.match(shown, expected, text);
  }
  const grown = await page.evaluate(async () => {
    const { document } = globalThis as Playwright;
    const path = '/page/markdown.js';
    const { show } = await import(path);
    const place = document.createElement('div');
    show(place, 'one\n\nt');
    const first = place.firstChild;
    show(place, 'one\n\ntwo **x');
    show(place, 'one\n\ntwo **x**\n\n- a');
    return [place.firstChild === first, place.innerHTML];
  });
  t.same(grown, [true, '<p>one</p><p>two <strong>x</strong></p><ul><li><span>a</span></li></ul>']);
  t.same(complaints, []);
});

t.test('a node that wants a key, and one that goes away', { skip }, async (t) => {
  const node = await apiNode({ keys: ['a-good-key'] }, { name: 'kitchen' });
  t.teardown(() => node.close());
  await node.cluster.load(modelName);
  const browser = await launchBrowser();
  t.teardown(() => browser.close());
  const { page, complaints } = await openPage(browser, node.url, desk);
  await page.waitForSelector('#access[open]');
  await page.screenshot({ path: screenshotPath('key') });
  await page.fill('#key', 'a-wrong-key');
  await page.press('#key', 'Enter');
  await page.waitForSelector('#access[open] .wrong:not([hidden])');
  await page.fill('#key', 'a-good-key');
  await page.press('#key', 'Enter');
  await page.waitForSelector('#send:enabled');
  t.equal(await page.isVisible('#access'), false);
  // The browser itself writes down every refusal.
  t.same(
    complaints.filter((one) => !/status of 401/.test(one)),
    [],
  );

  await page.route('**/v1/chat/completions', (route: Playwright) => {
    const body = { ...route.request().postDataJSON(), model: 'none' };
    return route.continue({ postData: JSON.stringify(body) });
  });
  await page.fill('#prompt', 'Hello');
  await page.press('#prompt', 'Enter');
  await page.waitForSelector('.problem:has-text("not loaded")');
  await page.unroute('**/v1/chat/completions');
  await page.click('.problem button');
  await page.waitForSelector('#messages[aria-busy=false] .assistant .meta:has-text("tokens/s")');
  t.equal(await page.locator('.problem').count(), 0);
  t.equal(await page.locator('.user').count(), 1, 'asked once more, not twice');

  await node.close();
  await page.waitForSelector('#trouble:has-text("does not answer")');
});
