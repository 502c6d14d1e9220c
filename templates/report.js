'use strict';
(() => {
  const value = (row, column, numeric) => {
    const text = row.cells[column].textContent;
    if (!numeric) return text;
    const number = Number.parseFloat(text.replace(/^[<>] /, '').replace(/,/g, ''));
    return Number.isNaN(number) ? null : number;
  };
  const compare = (a, b) => (typeof a === 'number' ? a - b : a < b ? -1 : a > b ? 1 : 0);

  const sort = (table, header) => {
    const column = header.cellIndex;
    const numeric = header.classList.contains('n');
    const first = numeric ? 'descending' : 'ascending';
    const other = numeric ? 'ascending' : 'descending';
    const order = header.getAttribute('aria-sort') === first ? other : first;
    for (const th of table.tHead.rows[0].cells) th.removeAttribute('aria-sort');
    header.setAttribute('aria-sort', order);
    const body = table.tBodies[0];
    const sign = order === 'ascending' ? 1 : -1;
    const rows = Array.from(body.rows, (row) => [value(row, column, numeric), row]);
    const empty = (key) => key === null || key === '';
    rows.sort(([a], [b]) => (empty(a) || empty(b) ? empty(a) - empty(b) : sign * compare(a, b)));
    body.append(...rows.map(([, row]) => row));
  };

  const addFilter = (table) => {
    const label = document.createElement('label');
    label.className = 'filter';
    const input = document.createElement('input');
    input.type = 'search';
    input.autocomplete = 'off';
    input.name = `filter-${table.closest('section').id}`;
    const told = document.createElement('span');
    told.setAttribute('role', 'status');
    const rows = Array.from(table.tBodies[0].rows, (row) => [row.textContent.toLowerCase(), row]);
    input.addEventListener('input', () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const [text, row] of rows) {
        row.hidden = !words.every((word) => text.includes(word));
        if (!row.hidden) shown += 1;
      }
      told.textContent = words.length ? `${shown} of ${rows.length} rows` : '';
    });
    const name = document.createElement('span');
    name.textContent = 'Filter';
    input.setAttribute('aria-label', `Filter ${table.dataset.name}`);
    label.append(name, input, told);
    table.parentElement.before(label);
  };

  for (const table of document.querySelectorAll('table.sortable')) {
    if (table.tBodies[0].rows.length < 2) continue;
    for (const th of table.tHead.rows[0].cells) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = th.textContent;
      button.addEventListener('click', () => sort(table, th));
      th.replaceChildren(button);
    }
    if (table.tBodies[0].rows.length > 5) addFilter(table);
  }

  const openTarget = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    const details = target && target.querySelector(':scope > details');
    if (details) details.open = true;
  };
  addEventListener('hashchange', openTarget);
  openTarget();
})();
