//! The report in a browser without a window. Skipped with a message where there is none.

use std::{fs, path::Path, process::Command};

use super::{ALL, evidence, run, study};

/// Clicks through the page and writes what it sees into an attribute of its body.
const PROBE: &str = r#"<script>
window.addEventListener("load", () => {
  const said = {};
  const table = document.getElementById("contrasts");
  const heads = [...table.querySelectorAll("th")].map((h) => h.textContent);
  const column = heads.indexOf("p");
  const values = () => [...table.tBodies[0].rows].map((r) => r.cells[column].dataset.value).filter((v) => v !== "").map(Number);
  const button = table.querySelectorAll("th button")[column];
  const rises = (v) => v.every((x, i) => i === 0 || v[i - 1] <= x);
  said.before = rises(values());
  button.click();
  said.rising = rises(values()) && values().length > 3;
  button.click();
  said.falling = rises(values().reverse());
  const sorted = (id, name) => {
    const table = document.getElementById(id);
    const column = [...table.querySelectorAll("th")].findIndex((h) => h.textContent === name);
    table.querySelectorAll("th button")[column].click();
    const text = [...table.tBodies[0].rows].map((r) => r.cells[column].dataset.value).filter((v) => v !== "");
    return text.length > 1 && text.every((v) => v !== undefined && !isNaN(Number(v))) && rises(text.map(Number));
  };
  said.numbers = [["omnibus", "Statistic"], ["omnibus", "Variance between animals"], ["contrasts", "Interval"],
    ["contrasts", "Its interval"], ["contrasts", "n"], ["recovery", "Interval"]].filter(([id, name]) => !sorted(id, name)).length;
  const field = document.querySelector("input[type=search][data-table=contrasts]");
  field.value = "steatotic high";
  field.dispatchEvent(new Event("input"));
  const shown = [...table.tBodies[0].rows].filter((r) => !r.hidden);
  said.found = shown.length > 0 && shown.length < table.tBodies[0].rows.length
    && shown.every((r) => /steatotic/.test(r.textContent) && /high/.test(r.textContent));
  const all = document.querySelector(".all-outlines");
  const drawn = () => [...document.querySelectorAll("img.outlined")].filter((i) => getComputedStyle(i).visibility !== "hidden"
    && getComputedStyle(i).display !== "none" && getComputedStyle(i).opacity !== "0").length;
  said.plain = drawn();
  all.click();
  said.outlined = drawn();
  said.pictures = [...document.images].every((i) => i.alt.length > 0);
  // On paper: what holds for print, on a body as wide as A4 less its margins.
  const rules = [...document.styleSheets[0].cssRules].filter((r) => r instanceof CSSMediaRule && r.media.mediaText === "print");
  const paper = document.createElement("style");
  paper.textContent = rules.flatMap((r) => [...r.cssRules]).filter((r) => r instanceof CSSStyleRule).map((r) => r.cssText).join("\n");
  document.head.append(paper);
  document.body.style.width = "688px";
  const wide = (t) => t.scrollWidth > t.clientWidth + 1 || t.getBoundingClientRect().right > document.body.getBoundingClientRect().right + 1;
  said.cut = [...document.querySelectorAll(".table")].filter(wide).length;
  said.buttons = [...table.querySelectorAll("th button")].filter((b) => getComputedStyle(b).display !== "contents").length;
  document.body.setAttribute("data-probe", Object.entries(said).map(([k, v]) => `${k}=${v}`).join(" "));
});
</script>"#;

fn browser() -> Option<&'static str> {
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success()))
}

/// Returns the page's body as the browser left it, and what it complained of.
fn opened(browser: &str, page: &Path, profile: &Path) -> (String, String) {
    let done = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--virtual-time-budget=4000",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(["--dump-dom", &format!("file://{}", page.display())])
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let complaints: Vec<String> =
        text(&done.stderr).lines().filter(|l| l.contains("CONSOLE")).map(str::to_owned).collect();
    (text(&done.stdout), complaints.join("\n"))
}

#[test]
fn the_page_works_in_a_browser() {
    let Some(browser) = browser() else {
        eprintln!("skipped: the page is not opened without chromium or google-chrome");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    evidence(folder.path());
    run(folder.path(), &ALL).success();
    let out = folder.path().join("results/comparison");
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    let probed = out.join("probed.html");
    fs::write(&probed, page.replace("</body>", &format!("{PROBE}</body>"))).unwrap();
    let (body, complaints) = opened(browser, &probed, &folder.path().join("profile"));
    assert_eq!(complaints, "");
    let said = body.split("data-probe=\"").nth(1).and_then(|t| t.split('"').next()).expect("the probe ran");
    assert_eq!(
        said,
        "before=false rising=true falling=true numbers=0 found=true plain=0 outlined=4 pictures=true cut=0 buttons=0"
    );
}
