"""A real kernel, spoken to as JupyterLab does: in which thread is an explorer's control heard?"""

EXPLORER = """
import threading
import ipywidgets
from labkit.explorers.shared.looks import Explorer, Slider, row

heard = []
def note(change):
    explorer.screen.show(b"png", f"number {change.new}")  # it answers, as every explorer does
    heard.append((change.new, threading.current_thread() is threading.main_thread()))

slider, menu = Slider(label="Number", maximum=20), ipywidgets.Dropdown(options=["a", "b", "c"])
explorer = Explorer(row(slider, ipywidgets.Tab([menu])))
slider.observe(note, "value")
menu.observe(note, "index")
"""


def printed(client, code):
    said = []
    client.execute_interactive(
        code, timeout=120, output_hook=lambda m: said.append(m["content"].get("text", ""))
    )
    return "".join(said).strip()


def open_second_thread(client):
    """Return the name of the thread that JupyterLab opens for the widgets of a notebook."""
    client.control_channel.send(client.session.msg("create_subshell_request", {}))
    return client.control_channel.get_msg(timeout=60)["content"]["subshell_id"]


def turn(client, control, thread, **state):
    """Turn a control as the browser does, and wait until the kernel has dealt with it."""
    data = {"method": "update", "state": state, "buffer_paths": []}
    message = client.session.msg("comm_msg", {"comm_id": control, "data": data})
    message["header"]["subshell_id"] = thread
    client.shell_channel.send(message)
    while True:
        answer = client.get_iopub_msg(timeout=60)
        if answer["parent_header"].get("msg_id") == message["header"]["msg_id"]:
            if answer["content"].get("execution_state") == "idle":
                return


def test_every_control_of_an_explorer_is_heard_in_the_main_thread_however_often(kernel):
    client = kernel[1]
    printed(client, EXPLORER)
    slider, menu = printed(client, "print(slider.model_id, menu.model_id)").split()
    thread = open_second_thread(client)
    for number in (1, 2):
        turn(client, slider, thread, value=number)
        turn(client, menu, thread, index=number)
    assert printed(client, "print(heard)") == "[(1, True), (1, True), (2, True), (2, True)]"
