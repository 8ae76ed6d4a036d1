"""The plan of the house: arrows point down, and an explorer needs nothing of another explorer."""

import ast
import re
from collections import Counter
from pathlib import Path

HOUSE = Path(__file__).parents[1] / "labkit"
FLOORS = (
    ("text", "display", "files", "classroom", "model", "sandbox"),
    ("data", "device", "languages"),
    ("training", "timing", "preflight"),
    ("evaluation", "faster", "inspect", "checks"),
    ("plots",),
    ("doctor", "explorers"),
)
"""From the ground up: a room may need rooms on its own floor and on those below."""

FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor}
OUTSIDE = ("__init__", "jupyter")  # the map, and what the Jupyter server loads by name
LONGEST = 350
WIDEST = 100


def modules():
    return sorted(HOUSE.rglob("*.py"))


def read(path):
    return path.read_text().splitlines()


def room_of(path):
    return path.relative_to(HOUSE).with_suffix("").parts[0]


def needs(path):
    """Return the modules of labkit that a module imports, as tuples of names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("labkit"):
            parts = node.module.split(".")[1:]
            found |= {(*parts, alias.name) for alias in node.names}
    return found


def arrows():
    """Return (module, its room, the room that it needs) for every import between two rooms."""
    found = [(path, room_of(path), names[0]) for path in modules() for names in needs(path)]
    return [(path, here, there) for path, here, there in found if here not in (there, *OUTSIDE)]


def test_arrows_point_down():
    assert [arrow for arrow in arrows() if FLOOR[arrow[2]] > FLOOR[arrow[1]]] == []


def test_two_rooms_never_need_each_other():
    between = {(here, there) for _path, here, there in arrows()}
    assert {(here, there) for here, there in between if (there, here) in between} == set()


def test_nothing_but_notebooks_and_tests_needs_explorers_or_checks():
    assert [arrow for arrow in arrows() if arrow[2] in ("explorers", "checks")] == []


def test_compute_knows_no_drawing_and_drawing_no_widget():
    forbidden = {"compute": {"draw", "widget", "stage"}, "draw": {"widget", "stage"}}
    for path in HOUSE.glob("explorers/*/*.py"):
        for names in needs(path):
            if names[:2] == ("explorers", path.parent.name):
                assert names[2] not in forbidden.get(path.stem, ()), path
            assert path.stem != "compute" or names[0] != "plots", path


def test_an_explorer_needs_what_is_shared_and_no_other_explorer():
    for path in HOUSE.glob("explorers/*/*.py"):
        here = path.parent.name
        allowed = {here, "shared"} | ({"network"} if here == "studio" else set())
        assert {names[1] for names in needs(path) if names[0] == "explorers"} <= allowed, path


def test_a_file_name_says_which_file_it_is():
    slices = {"compute", "draw", "widget", "stage", "__init__"}
    counted = Counter(path.stem for path in modules() if path.stem not in slices)
    assert [name for name, count in counted.items() if count > 1] == []


def test_the_name_of_a_class_says_which_class_it_is():
    trees = [ast.walk(ast.parse(path.read_text())) for path in modules()]
    counted = Counter(n.name for tree in trees for n in tree if isinstance(n, ast.ClassDef))
    assert [name for name, count in counted.items() if count > 1] == []


def test_every_file_can_be_read_in_one_sitting():
    files = [*modules(), *HOUSE.rglob("*.js"), *HOUSE.rglob("*.css")]
    lengths = {str(f.relative_to(HOUSE)): len(read(f)) for f in files}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_a_line_of_javascript_or_css_is_as_narrow_as_one_of_python():
    files = [f for folder in (HOUSE, Path(__file__).parent) for f in folder.rglob("*.[jc]s*")]
    lines = [(f, line) for f in files if f.suffix in (".js", ".css") for line in read(f)]
    assert len({f for f, _line in lines}) > 30
    assert [f"{f.name}: {line}" for f, line in lines if len(line) > WIDEST] == []


def test_the_root_is_seen_at_a_glance():
    entries = [entry for entry in HOUSE.iterdir() if entry.name != "__pycache__"]
    assert len([entry for entry in entries if entry.is_file()]) <= 12
    assert len([entry for entry in entries if entry.is_dir()]) <= 18


def test_readme_and_map_list_every_room_and_no_other():
    text = (HOUSE.parent / "README.md").read_text()
    table = re.search(r"^\| in `labkit` .*\n((?:\|.*\n)+)", text, re.MULTILINE)[1]
    listed = re.findall(r"`(\w+)`", re.sub(r"^(\|.*?\|).*", r"\1", table, flags=re.MULTILINE))
    rooms = {room_of(path) for path in modules()} - {"__init__"}
    assert sorted(listed) == sorted(rooms)
    text = ast.get_docstring(ast.parse((HOUSE / "__init__.py").read_text()))
    assert set(re.findall(r"(?:^- |; )``(\w+)``:", text, re.MULTILINE)) == rooms | {"locales"}


def test_every_path_that_readme_and_contributing_name_exists():
    for page in ("README.md", "CONTRIBUTING.md"):
        text = (HOUSE.parent / page).read_text()
        named = re.findall(r"(?<=[ `])((?:labkit|tests|notebooks|images)/[\w./]*)(?=[ `\n])", text)
        linked = [one for one in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in one]
        assert [one for one in named + linked if not (HOUSE.parent / one).exists()] == [], page


def test_each_room_and_each_explorer_has_tests_of_its_name():
    tests = Path(__file__).parent
    rooms = {room_of(path): [tests] for path in modules() if room_of(path) != "__init__"}
    explorers = [path for path in HOUSE.glob("explorers/*/") if (path / "__init__.py").exists()]
    rooms |= {path.name: [tests / "explorers", tests / "browser"] for path in explorers}
    for room, places in rooms.items():
        named = [place / name for place in places for name in (room, f"test_{room}.py")]
        assert any(path.exists() for path in named), room


def functions(path):
    """Yield the public functions and methods of a module, each with the docstring that is read."""
    tree = ast.parse(path.read_text())
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    for owner in (tree, *[each for each in classes if not each.name.startswith("_")]):
        for node in owner.body:
            if not isinstance(node, ast.FunctionDef):
                continue
            if node.name == "__init__":
                yield node, f"{ast.get_docstring(owner)}\n{ast.get_docstring(node)}"
            elif not node.name.startswith("_"):
                yield node, ast.get_docstring(node) or ""


def test_a_function_of_more_than_four_parameters_lists_them_one_a_line():
    lacking = []
    for path in modules():
        for node, text in functions(path):
            if "exercise(" in "".join(map(ast.unparse, node.decorator_list)):
                continue  # a solution, as its notebook shows it
            taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            names = [one.arg for one in taken if one.arg not in ("self", "cls")]
            listed = re.findall(r"\w+", " ".join(re.findall(r"^([\w, ]+):", text, re.MULTILINE)))
            if len(names) > 4 and not set(names) <= set(listed):
                lacking.append(f"{path.stem}.{node.name}: {set(names) - set(listed)}")
    assert lacking == []


def test_a_probe_of_the_doctor_leaves_the_words_to_its_catalogue():
    for path in (HOUSE / "doctor").glob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        errors = [part for node in nodes if isinstance(node, ast.Raise) for part in ast.walk(node)]
        calls = [node for node in nodes if isinstance(node, ast.Call) and node not in errors]
        if not path.stem.startswith("catalogue") and path.stem != "findings":  # its headings
            assert [call for call in calls if ast.unparse(call.func) == "_"] == [], path
