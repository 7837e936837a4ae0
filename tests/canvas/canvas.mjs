// Uses NiFi's canvas in headless Chromium: adds both processors with the Add Processor dialog, then connects, configures, verifies and
// starts them. canvas.mjs CANVAS_URL FOLDER; the settings are JSON on standard input, {"GenerateCustomerCsv": {property: value},
// "PutSnowflakeMerge": {...}}. Writes screenshots to FOLDER. Throws if a step fails.
import { mkdirSync, readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const [canvas, folder] = process.argv.slice(2);
const settings = JSON.parse(readFileSync(0, 'utf8'));
mkdirSync(folder, { recursive: true });

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
page.setDefaultTimeout(60_000);
const dialog = page.locator('mat-dialog-container').last();

const shot = (name) => page.screenshot({ path: `${folder}/${name}.png` });
const button = (scope, name) => scope.getByRole('button', { name, exact: true });
const node = (type) => page.locator('g.processor').filter({ hasText: type }).first();
const center = async (locator) => {
  const box = await locator.boundingBox();
  return [box.x + box.width / 2, box.y + box.height / 2];
};
const drag = async (from, to) => {
  await page.mouse.move(...from);
  await page.mouse.down();
  await page.mouse.move((from[0] + to[0]) / 2, (from[1] + to[1]) / 2, { steps: 10 });
  await page.mouse.move(...to, { steps: 10 });
  await page.mouse.up();
};
const close = async (name) => {
  await button(dialog, name).click();
  await page.locator('mat-dialog-container').waitFor({ state: 'detached' });
};

// Drags a processor from the toolbar to the canvas and selects its type in the dialog.
async function drop(type, position) {
  await drag(await center(page.locator('.icon-processor').first()), position);
  await dialog.getByPlaceholder('Filter types...').fill(type);
  await dialog.getByRole('row').filter({ hasText: type }).click();
  await shot(`1-add-${type}`);
  await close('Add');
  await node(type).waitFor();
}

async function setProperty(name, value) {
  const row = dialog.getByRole('row').filter({ has: page.getByTitle(name, { exact: true }) });
  await row.locator('td').nth(1).click();
  const choice = page.locator('combo-editor');
  const text = page.locator('nf-editor');
  await choice.or(text).waitFor();
  if (await choice.isVisible()) {
    await choice.getByRole('combobox').click();
    await page.getByRole('option', { name: value, exact: true }).click();
    await button(choice, 'Ok').click();
    await choice.waitFor({ state: 'detached' });
  } else {
    await text.locator('.CodeMirror:visible, textarea:visible').first().click();
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText(value);
    await button(text, 'Ok').click();
    await text.waitFor({ state: 'detached' });
  }
}

const failures = () => dialog.locator('property-verification .fa-times');

// Clicks Verify and waits for the result: the canvas polls the verification request, then deletes it.
async function verify(type, lastStep) {
  await dialog.locator('property-verification button:has(.fa-check)').click();
  const finished = page.waitForResponse((response) => /verification-requests\//.test(response.url()) && response.request().method() === 'DELETE');
  await button(dialog.filter({ hasText: 'Referenced Attributes' }), 'Verify').click();
  await finished;
  await dialog.locator('property-verification').getByText(lastStep, { exact: true }).waitFor();
}

async function configure(type, terminated, lastStep) {
  await node(type).dblclick({ position: { x: 150, y: 16 } });
  await dialog.getByRole('tab', { name: 'Relationships' }).click();
  for (const name of terminated) {
    const relationship = dialog.locator('relationship-settings .gap-y-1\\.5').filter({ has: page.getByTitle(name, { exact: true }) });
    await relationship.getByLabel('terminate').check();
  }
  await dialog.getByRole('tab', { name: 'Properties' }).click();
  for (const [name, value] of Object.entries(settings[type])) {
    await setProperty(name, value);
  }
  await shot(`2-configure-${type}`);
  if (type === 'PutSnowflakeMerge') {
    await setProperty('Stage Bucket', 'no-such-bucket');
    await verify(type, lastStep);
    await failures().first().waitFor();
    await shot('3-verify-a-wrong-bucket');
    await setProperty('Stage Bucket', settings[type]['Stage Bucket']);
  }
  await verify(type, lastStep);
  await shot(`3-verify-${type}`);
  if (await failures().count() > 0) {
    throw new Error(`${type}: the verification failed: see the screenshots in ${folder}`);
  }
  await close('Apply');
}

async function connect(source, destination, relationship) {
  await node(source).hover();
  await drag(await center(node(source)), await center(node(destination)));
  await dialog.getByLabel(relationship, { exact: true }).check();
  await shot('4-connect');
  await close('Add');
}

async function start(type) {
  await node(type).click({ position: { x: 150, y: 16 } });
  await page.locator('operation-control button:has(.fa-play)').click();
  await node(type).locator('text.run-status-icon.running').waitFor();
}

try {
  // The dialog lists only the types that are loaded when it opens.
  const types = page.waitForResponse(/flow\/processor-types/);
  await page.goto(canvas);
  await (await types).finished();
  await page.locator('.icon-processor').first().waitFor();
  await drop('GenerateCustomerCsv', [900, 250]);
  await drop('PutSnowflakeMerge', [900, 600]);
  await connect('GenerateCustomerCsv', 'PutSnowflakeMerge', 'success');
  await configure('GenerateCustomerCsv', [], 'Load native library');
  await configure('PutSnowflakeMerge', ['success', 'rejected', 'retry', 'failure'], 'Check bucket');
  await start('PutSnowflakeMerge');
  await start('GenerateCustomerCsv');
  await shot('5-running');
} catch (error) {
  await shot('failed');
  throw error;
} finally {
  await browser.close();
}
