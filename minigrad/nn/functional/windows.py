"""Convolution and pooling, under PyTorch's names."""

import minigrad as mg

conv1d, conv2d, conv3d = mg.conv1d, mg.conv2d, mg.conv3d
conv_transpose1d, conv_transpose2d, conv_transpose3d = (
    mg.conv_transpose1d,
    mg.conv_transpose2d,
    mg.conv_transpose3d,
)
max_pool1d, max_pool2d, max_pool3d = mg.max_pool1d, mg.max_pool2d, mg.max_pool3d
avg_pool1d, avg_pool2d, avg_pool3d = mg.avg_pool1d, mg.avg_pool2d, mg.avg_pool3d
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = (
    mg.adaptive_avg_pool1d,
    mg.adaptive_avg_pool2d,
    mg.adaptive_avg_pool3d,
)
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = (
    mg.adaptive_max_pool1d,
    mg.adaptive_max_pool2d,
    mg.adaptive_max_pool3d,
)
