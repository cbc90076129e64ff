"""The commands, a module each: `add_arguments(parser)` and `run(arguments)`, which returns the exit code; no logic."""

# The one-line help of each command, by name. Its module is imported when the command is used.
COMMANDS = {
    "predict": "Write the saliency map and an overlay of photographs and folders of photographs.",
    "crop": "Cut photographs to the part of an aspect, such as 16:9, that keeps most of what people look at.",
    "evaluate": "Measure models and folders of saliency maps against recorded fixations.",
    "train": "Train a generator: first with the content loss alone, then adversarially.",
    "export": "Write a generator as a file for phones, Jetsons and servers, each checked and with a report.",
    "distill": "Write what trained generators see in windows of photographs, to train another one with.",
    "prepare": "Write a data set as TFRecords at the training size, for slow or remote disks.",
    "import-weights": "Convert the authors' released Lasagne weights to a Keras file.",
}

MODEL_HELP = "edge or salgan, the bundled models; a .tflite, .onnx, .keras or .engine file; or a run folder of train"
