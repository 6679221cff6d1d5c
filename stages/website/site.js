// Two comforts that the pages do without where there is no script.

// Diffs in one column or two, for all pages, remembered; in one where site.css hides the switch.
const narrow = matchMedia("(max-width: 60em)");
const split = document.createElement("button");
split.className = "side-switch md-header__button";
split.textContent = "Side by side";

function lay() {
  const wide = !narrow.matches && localStorage.getItem("side-by-side") === "true";
  document.body.classList.toggle("side-by-side", wide);
  split.setAttribute("aria-pressed", wide);
  for (const same of document.querySelectorAll(".diff .same")) {
    if (!wide) same.children[1]?.remove();
    else if (!same.children[1]) {
      const copy = same.children[0].cloneNode(true);
      copy.setAttribute("aria-hidden", "true");
      same.append(copy);
    }
  }
}

if (document.querySelector(".diff")) {
  split.onclick = () => {
    localStorage.setItem("side-by-side", split.getAttribute("aria-pressed") !== "true");
    lay();
  };
  narrow.onchange = lay;
  lay();
  document.querySelector(".md-header__inner").append(split);
}

// A slider over the stages of a file; it follows the links and they follow it.
const links = [...document.querySelectorAll(".stages a")];
if (links.length > 1) {
  const slider = Object.assign(document.createElement("input"), { type: "range", min: 0 });
  slider.max = links.length - 1;
  slider.setAttribute("aria-label", "Stage");
  const follow = () => {
    const stage = location.hash.replace(/^#s(\d-)?/, "#s");  // Of two stages the newer.
    const at = links.findIndex((link) => link.hash === stage);
    slider.value = at < 0 ? links.length - 1 : at;
    slider.setAttribute("aria-valuetext", links[slider.value].textContent);
  };
  slider.oninput = () => location.replace(links[slider.value].hash);
  addEventListener("hashchange", follow);
  follow();
  links[0].parentElement.append(slider);
}
