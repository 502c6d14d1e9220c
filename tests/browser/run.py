#!/usr/bin/env python3
"""Does report.html work in a real browser?

usage: tests/browser/run.py BINARY [--findings N] [--shots DIR]

Drives Chromium without a window over the DevTools protocol, and asks of the report of testdata/incident, of a log whose claims
are markup, formulas, escapes, direction marks and a megabyte of text, and of N findings (default 1,000,000):

- nothing is written to the console, nothing is fetched, no policy is violated, no dialog opens;
- tables sort by number and by text, both ways, by mouse and by keyboard, and filter; all is there without script too;
- what a claim holds is text;
- text has a contrast of at least 4.5 in both colour schemes, and no page is wider than its window;
- the file is below 2 MB.

With --shots, pictures of each page in light and dark, 1280 and 390 wide, and on paper, are written to DIR. Exit code 0 when all is
well, 1 when something is not, 77 when there is no Chromium. Needs Python 3.9; nothing is installed or fetched.
"""
import argparse, base64, hashlib, json, os, random, re, shutil, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
NOW = "2026-06-12T09:00:00Z"
MOST_BYTES = 2_000_000

HOSTILE = {
    "script": "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">",
    "link": "](javascript:document.title='owned')",
    "formula": "=cmd()|'/c calc'!A1",
    "ansi": "\x1b[31mred\x1b[0m",
    "rtl": "user\u202etxt.exe\u2066\u200b",
    "svg": "</title></svg></style><svg onload=\"document.title='owned'\">",
    "quote": "\"'><b onmouseover=alert(1)>&lt;&#60;",
    "long": "x" * 20_000,
}
# What of it must be read on the page.
SHOWN = {
    "script": HOSTILE["script"],
    "link": HOSTILE["link"],
    "formula": HOSTILE["formula"],
    "ansi": "\\x1b[31mred\\x1b[0m",
    "rtl": "user\\u{202e}txt.exe\\u{2066}\\u{200b}",
    "svg": HOSTILE["svg"],
    "quote": HOSTILE["quote"],
    "long": "x" * 256 + "…",
}

failures = []


def check(what, holds, found=""):
    if not holds:
        failures.append(what)
        print(f"FAILED {what} {found}".rstrip())


# --- Logs ---------------------------------------------------------------------------------------------------------------------


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(header, claims, salt=b""):
    head, body = (b64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{head}.{body}.{b64(hashlib.sha512(salt + body.encode()).digest())}"


def hostile_log(path):
    with open(path, "w") as log:
        for n, (name, value) in enumerate(HOSTILE.items()):
            for copy in range(3):
                claims = {"iss": value, "aud": [value, name], "azp": value, "exp": 1781226000 + copy}
                log.write(f"2026-06-12T01:{n:02}:0{copy}Z {token({'alg': 'ES256', 'kid': value}, claims)}\n")
        # A claim of one megabyte is cut from a token of that length, which no header could have carried.
        log.write(f"2026-06-12T01:59:00Z {token({'alg': 'ES256'}, {'iss': 'y' * 1_000_000})}\n")


def large_log(path, findings):
    """N findings of nearly as many tokens, of 40 days, with many kids, issuers, audiences and clients, all of them long."""
    rng = random.Random(7)
    hosts = [f"https://auth-{n}.tenant-{n % 977}.region-{n % 13}.identity.example.com/realms/{'r' * (n % 60)}" for n in range(20_000)]
    start = 1781226000
    with open(path, "w") as log:
        for n in range(findings):
            at = start + int(n * 40 * 86400 / findings)
            odd = rng.random()
            claims = {"iss": hosts[n % 3 if odd < 0.7 else n % len(hosts)], "aud": f"https://api-{n % 5000}.example.com/<&>\"'", "sub": str(n), "azp": f"client-{n % 9000}-&&&&",
                      "iat": at - 60, "exp": at + (600 if odd < 0.8 else -int(odd * 4000))}
            text = token({"alg": "ES256", "kid": f"key-{n % (4 if odd < 0.9 else 50_000)}"}, claims, str(n % 900_000).encode())
            if odd > 0.97:
                text = text[: 40 + n % 200]
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
            log.write(f"{stamp} api-{n % 7} GET /orders authorization=\"Bearer {text}\"\n")


def scan(binary, directory, log, out, *more):
    command = [binary, "scan", log, "--out", out, "--format", "html,csv", "--now", NOW, "--quiet", *more]
    began = time.monotonic()
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if done.returncode not in (0, 3):
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    page = os.path.join(directory, out, "report.html")
    print(f"{log}: {os.path.getsize(page):,} bytes of report.html after {time.monotonic() - began:.1f} s")
    check(f"{log}: below 2 MB", os.path.getsize(page) < MOST_BYTES, f"{os.path.getsize(page):,}")
    return page


# --- The browser ----------------------------------------------------------------------------------------------------------------


class Browser:
    """Chromium, and its DevTools protocol over two pipes: messages end with a zero byte."""

    def __init__(self, program, directory):
        to_browser, from_browser = os.pipe(), os.pipe()

        def give_pipes():
            # The protocol's pipes are file descriptors 3 and 4. Both are moved out of the way first: they may have these numbers.
            reads, writes = os.dup2(to_browser[0], 103), os.dup2(from_browser[1], 104)
            os.dup2(reads, 3)
            os.dup2(writes, 4)

        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-background-networking",
                 "--disable-component-update", "--disable-dev-shm-usage", "--remote-debugging-pipe", f"--user-data-dir={directory}"]
        self.process = subprocess.Popen([program, *flags, "about:blank"], preexec_fn=give_pipes, close_fds=False, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser[0])
        os.close(from_browser[1])
        self.send, self.receive = os.fdopen(to_browser[1], "wb"), os.fdopen(from_browser[0], "rb")
        self.number, self.events, self.rest, self.session = 0, [], b"", None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            self.ask(f"{domain}.enable")

    def message(self):
        while b"\0" not in self.rest:
            piece = os.read(self.receive.fileno(), 1 << 20)
            if not piece:
                sys.exit("the browser has gone away")
            self.rest += piece
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, **params):
        self.number += 1
        ask = {"id": self.number, "method": method, "params": params}
        if self.session:
            ask["sessionId"] = self.session
        self.send.write(json.dumps(ask).encode() + b"\0")
        self.send.flush()
        while True:
            message = self.message()
            if message.get("id") == self.number:
                if "error" in message:
                    sys.exit(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def wait(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.message())

    def open(self, path):
        self.events = []
        began = time.monotonic()
        self.ask("Page.navigate", url="file://" + os.path.abspath(path))
        self.wait("Page.loadEventFired")
        self.run("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")
        return time.monotonic() - began

    def run(self, script):
        done = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in done:
            sys.exit(f"{script}\n{done['exceptionDetails']}")
        return done["result"].get("value")

    def size(self, width, height=900, dark=False, media=""):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def press(self, key, code):
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text="\r" if key == "Enter" and kind == "keyDown" else "")

    def close(self):
        self.session = None
        try:
            self.send.write(b'{"id":0,"method":"Browser.close"}\0')
            self.send.flush()
            self.process.wait(timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()


# What a page did that it should not: messages, fetched addresses, violated policies, dialogs.
def misdeeds(browser, page):
    own = "file://" + os.path.abspath(page)
    found = []
    for event in browser.events:
        method, params = event.get("method", ""), event.get("params", {})
        if method == "Network.requestWillBeSent" and params["request"]["url"].split("#")[0] != own and not params["request"]["url"].startswith("data:,"):
            found.append("fetched " + params["request"]["url"][:200])
        elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Audits.issueAdded", "Page.javascriptDialogOpening"):
            found.append(f"{method} {json.dumps(params)[:300]}")
    return found


# The smallest contrast of a text with what is behind it, and that text.
CONTRAST = """(() => {
  const parse = (color) => (color.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; })
    .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
  const behind = (node) => { for (; node; node = node.parentElement) { const c = parse(getComputedStyle(node).backgroundColor); if (c.length === 3 || c[3] > 0) return c; } return parse(getComputedStyle(document.body).backgroundColor); };
  let least = [99, ''];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const parent = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || parent.closest('script,style,title,desc,.skip')) continue;
    const style = getComputedStyle(parent);
    const [a, b] = [light(parse(parent.namespaceURI.endsWith('svg') ? style.fill : style.color)), light(behind(parent))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < least[0]) least = [contrast, walk.currentNode.data.trim().slice(0, 60)];
  }
  for (const shape of document.querySelectorAll('svg .s0, svg .s1, svg .s2, svg .s3, svg .s4, svg .s5, svg .s6, svg .ok, svg [class^=k-]:not(.k-window)')) {
    const [a, b] = [light(parse(getComputedStyle(shape).fill)), light(behind(shape.parentElement))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < least[0]) least = [contrast, 'shape ' + shape.getAttribute('class')];
  }
  return least;
})()"""


def looks(browser, name, page, shots):
    """Both schemes, two widths, and paper."""
    for width in (1280, 390):
        for dark in (False, True):
            browser.size(width, dark=dark)
            browser.open(page)
            found = misdeeds(browser, page)
            check(f"{name}: silent and alone at {width} px", not found, found)
            contrast, text = browser.run(CONTRAST)
            check(f"{name}: contrast of 4.5 ({'dark' if dark else 'light'})", contrast >= 4.5, f"{contrast:.2f}: {text}")
            wide = browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            check(f"{name}: as wide as its window of {width} px", wide <= 0, f"{wide} px more")
            if shots:
                whole = min(browser.run("document.documentElement.scrollHeight"), 9000)
                picture = browser.ask("Page.captureScreenshot", captureBeyondViewport=True,
                                      clip={"x": 0, "y": 0, "width": width, "height": whole, "scale": 1})
                save(shots, f"{name}-{'dark' if dark else 'light'}-{width}.png", picture["data"])
    browser.size(1280)
    browser.open(page)
    paper = browser.ask("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"]
    if shots:
        pdf = save(shots, f"{name}-print.pdf", paper)
        if shutil.which("pdftoppm"):
            subprocess.run(["pdftoppm", "-r", "80", "-png", "-l", "4", pdf, pdf[: -len(".pdf")]], check=True)


def save(shots, name, data):
    path = os.path.join(shots, name)
    with open(path, "wb") as file:
        file.write(base64.b64decode(data))
    return path


CELLS = "[...document.querySelector('#%s tbody').rows].filter(row => !row.hidden).map(row => row.cells[%d].textContent)"


def numbers(cells):
    return [int(cell.replace(",", "")) for cell in cells]


def works(browser, page, name):
    """Sorting and filtering, by mouse and by keyboard."""
    browser.size(1280)
    browser.open(page)
    columns = browser.run("[...document.querySelectorAll('#issuers thead th')].map(th => th.dataset.column)")
    by_count, by_word = columns.index("occurrences"), columns.index("verdict")
    click = "document.querySelectorAll('#issuers thead button')[%d].click()"
    sort = "document.querySelectorAll('#issuers thead th')[%d].getAttribute('aria-sort')"
    browser.run(click % by_count)
    found = numbers(browser.run(CELLS % ("issuers", by_count)))
    check(f"{name}: the largest number first", found == sorted(found, reverse=True) and len(set(found)) > 1, found[:9])
    check(f"{name}: said to be descending", browser.run(sort % by_count) == "descending")
    browser.run(click % by_count)
    found = numbers(browser.run(CELLS % ("issuers", by_count)))
    check(f"{name}: the smallest number first", found == sorted(found), found[:9])
    browser.run("document.querySelectorAll('#issuers thead button')[%d].focus()" % by_word)
    browser.press("Enter", 13)
    found = browser.run(CELLS % ("issuers", by_word))
    check(f"{name}: words in order, by keyboard", found == sorted(found) and len(set(found)) > 1, found[:9])
    check(f"{name}: one column is said to be sorted", browser.run("document.querySelectorAll('#issuers [aria-sort]').length") == 1)
    rows = len(found)
    word = found[0]
    browser.run("document.querySelector('#issuers .filter input').focus()")
    browser.ask("Input.insertText", text=word.upper())
    found = browser.run(CELLS % ("issuers", by_word))
    check(f"{name}: a filter leaves what has the word", 0 < len(found) < rows and set(found) == {word}, found[:9])
    told = browser.run("document.querySelector('#issuers .filter [role=status]').textContent")
    check(f"{name}: and says how many", told == f"{len(found)} of {rows} rows", told)
    # A link into a folded section opens it.
    browser.run("location.hash = '#tokens'; new Promise(done => setTimeout(done, 50))")
    check(f"{name}: a link opens what is folded", browser.run("document.querySelector('#tokens details').open"))
    check(f"{name}: silent while it is used", not misdeeds(browser, page), misdeeds(browser, page))


def is_text(browser, page):
    """What a claim holds is text, on the page and in its title."""
    browser.size(1280)
    browser.open(page)
    text = browser.run("document.documentElement.textContent")
    for name, value in SHOWN.items():
        check(f"hostile: {name} is shown as text", value in text)
    check("hostile: no script but its own", browser.run("document.scripts.length") == 1)
    check("hostile: no image, no frame, no link to elsewhere",
          browser.run("document.querySelectorAll('img, iframe, object, embed, a:not([href^=\"#\"]), [onerror], [onload], [onmouseover]').length") == 0)
    check("hostile: nothing ran", "owned" not in browser.run("document.title"))


def without_script(browser, page, directory):
    """All is there without script, and what is added to the page does not run."""
    with open(page, encoding="utf-8") as file:
        html = file.read()
    cut = os.path.join(directory, "cut.html")
    with open(cut, "w", encoding="utf-8") as file:
        file.write(re.sub(r"<script>.*</script>", "<script>document.title = 'owned'</script>", html, flags=re.S))
    browser.size(1280)
    browser.open(cut)
    check("without script: what is not the page's own does not run", browser.run("document.title") != "owned")
    check("without script: the same rows", browser.run("document.querySelectorAll('tbody tr').length") == html.count("<tr>\n") + html.count('<tr><th scope="row">'),
          browser.run("document.querySelectorAll('tbody tr').length"))
    check("without script: no dead buttons", browser.run("document.querySelectorAll('button, input').length") == 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--findings", type=int, default=1_000_000)
    parser.add_argument("--shots")
    args = parser.parse_args()
    program = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if not program:
        print("no Chromium here", file=sys.stderr)
        return 77
    binary = os.path.abspath(args.binary)
    if args.shots:
        os.makedirs(args.shots, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        shutil.copytree(os.path.join(ROOT, "testdata", "incident"), os.path.join(directory, "incident"))
        hostile_log(os.path.join(directory, "hostile.log"))
        large_log(os.path.join(directory, "large.log"), args.findings)
        pages = {
            "incident": scan(binary, directory, "incident", "incident-report", "--policy", "incident/policy.toml"),
            "hostile": scan(binary, directory, "hostile.log", "hostile-report"),
            "large": scan(binary, directory, "large.log", "large-report"),
        }
        browser = Browser(program, os.path.join(directory, "profile"))
        try:
            for name, page in pages.items():
                print(f"{name}: on the screen after {browser.open(page):.2f} s")
                looks(browser, name, page, args.shots)
                if name != "hostile":  # which has too few rows for a filter
                    works(browser, page, name)
            is_text(browser, pages["hostile"])
            without_script(browser, pages["incident"], directory)
        finally:
            browser.close()
    print(f"{len(failures)} of the checks failed" if failures else "all is well")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
