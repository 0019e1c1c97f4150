import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { shownName } from '../../../../extension/files/shownName.ts';
import { plainText } from '../../../../extension/ui/plainText.ts';

const extension = path.join(import.meta.dirname, '../../../../extension');

/** What the editor makes a link of in notifications and in the boxes of quick inputs, and an icon in the status bar and in quick picks. */
const link = /\[[^\]]+\]\((?:https?:\/\/|command:|file:)[^)\s]+/i;
const icon = /\$\([a-z0-9~-]+\)/i;

describe('text of others in notifications', () => {
  it('V4 M6: the name of a file makes no link that runs a command, and no icon', () => {
    for (const name of ['[Undo](command:workbench.action.quit)', '[a](command:b?%5B%5D).txt', '$(check) done', 'a\u202e[b](file:c)']) {
      assert.ok(link.test(name) || icon.test(name), name);
      for (const shown of [plainText(name), shownName(`/work/${name}`)]) {
        assert.doesNotMatch(shown, link);
        assert.doesNotMatch(shown, icon);
        assert.doesNotMatch(shown, /\u202e/);
      }
    }
  });

  it('V4 M6: nobody who shows a notification or a message in the status bar makes names fit for terminals only', () => {
    const shows = /\.show(?:Information|Warning|Error)Message\b|\.setStatusBarMessage\b/;
    const showing = globSync('**/*.ts', { cwd: extension }).filter((file) => shows.test(readFileSync(path.join(extension, file), 'utf8')));
    assert.ok(showing.length >= 6, showing.join(' '));
    const escaping = showing.filter((file) => /import \{[^}]*\bescaped\b/.test(readFileSync(path.join(extension, file), 'utf8')));
    assert.deepEqual(escaping, []);
  });
});
